"""The cloud's own certificate authority, and the certificate by which each host is known to the others."""

DIRECTORY = "pki"  # of a host's certificate, in its state
