"""What all tests share."""

from django.core.servers.basehttp import WSGIRequestHandler

pytest_plugins = ["tests.services"]

# The live server writes an answer in two parts: without this the second waits 40 ms for the client's acknowledgement.
WSGIRequestHandler.disable_nagle_algorithm = True
