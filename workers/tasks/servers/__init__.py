"""The steps of a server's pipelines."""
