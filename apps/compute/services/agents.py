"""What a server's host knows of its guest, asked of the host's agent over HTTP."""

import http.client
from urllib.parse import quote, urlsplit

import structlog
from django.core import signing

from apps.common.exceptions import Conflict, Unavailable
from apps.compute.models import Server
from apps.scheduling.exceptions import HostNotFound
from apps.scheduling.selectors import hosts

log = structlog.get_logger("celerity.agents")
SALT = "celerity.agent"
TIMEOUT_SECONDS = 5


def ask(*, server: Server, part: str, limit: int, timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
    """Return the agent's answer about a part of a server, at most ``limit`` bytes of it.

    ``timeout_seconds`` is for each word of the agent. Raises Unavailable (503) when it does not answer, and Conflict
    (409) when the guest is not in a state that allows it.
    """
    path = f"/hosts/{quote(server.host)}/servers/{server.id}/{part}"
    at = urlsplit(_agent_url(server))
    connection = http.client.HTTPConnection(at.hostname or "127.0.0.1", at.port, timeout=timeout_seconds)
    try:
        connection.request("GET", path, headers={"X-Celerity-Signature": signing.TimestampSigner(salt=SALT).sign(path)})
        response = connection.getresponse()
        body = response.read(limit)
    except (OSError, http.client.HTTPException) as error:
        raise _silent(server, str(error)) from error
    finally:
        connection.close()
    if response.status == http.HTTPStatus.CONFLICT:
        raise Conflict(f"Instance {server.id} is not running.")
    if response.status != http.HTTPStatus.OK:
        raise _silent(server, f"the agent answered {response.status}")
    return body


def _silent(server: Server, reason: str) -> Unavailable:
    log.warning("agent does not answer", host=server.host, error=reason[:300])
    return Unavailable(f"The host of instance {server.id} does not answer for the moment.")


def _agent_url(server: Server) -> str:
    """Return where the agent of the server's host listens. Raises Unavailable (503) if there is none, not 404."""
    try:
        agent_url = hosts.get(name=server.host).agent_url
    except HostNotFound:
        agent_url = ""
    if not agent_url:
        raise Unavailable(f"The host of instance {server.id} has no agent.")
    return agent_url
