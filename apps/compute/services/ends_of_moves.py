"""The hosts that a move is between: where the server is, and where a request wants it to be."""

from apps.common.exceptions import BadRequest
from apps.compute.exceptions import ComputeServiceUnavailable, ServiceUnavailable
from apps.compute.models import Server
from apps.scheduling.exceptions import HostNotFound
from apps.scheduling.selectors import hosts


def check_source(server: Server) -> None:
    """Raise ServiceUnavailable (409) where the server's host is down: nothing can be taken from it."""
    if server.host and not hosts.is_up(server.host):
        raise ServiceUnavailable


def destination(name: str) -> str:
    """Check the host that a request names; return its zone. Raises BadRequest (400) for one that is unknown or down."""
    try:
        host = hosts.get(name=name)
    except HostNotFound:
        raise BadRequest(f"Compute host {name} could not be found.") from None
    if not host.is_up:
        raise ComputeServiceUnavailable(host=name)
    return str(host.zone)
