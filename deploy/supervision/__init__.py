"""The supervisor: which programs there are, the configuration made from them, a client that starts them in order."""
