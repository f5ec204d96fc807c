"""Callers of the compute API, and a server with a port on a host."""

from tests.api.compute.conftest import admin, alice, bob, flavor, image, make_server, server  # noqa: F401
