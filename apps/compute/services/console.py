"""A server's console text, fetched from its host's agent over HTTP, because nothing large may pass the broker."""

import http.client
from urllib.parse import quote, urlsplit

import structlog
from django.conf import settings
from django.core import signing

from apps.common.exceptions import Conflict, Unavailable
from apps.compute.models import Server
from apps.compute.services import console_text
from apps.scheduling.exceptions import HostNotFound
from apps.scheduling.selectors import hosts

log = structlog.get_logger("celerity.console")
SALT = "celerity.agent"
TIMEOUT_SECONDS = 5


def output(*, server: Server, lines: int | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
    """Return the last ``lines`` lines (None: all there is) of at most ``CONSOLE_LOG_LIMIT`` bytes.

    ``timeout_seconds`` is for each word of the agent.

    Raises Conflict (409) for a server without a host and Unavailable (503) when its agent does not answer.
    """
    if not server.host:
        raise Conflict(
            f"Cannot get the console of instance {server.id}: it has no host, its build did not get that far."
        )
    raw = _fetch(_agent_url(server), server, timeout_seconds)
    text = console_text.clean(raw, cut=len(raw) >= settings.CONSOLE_LOG_LIMIT)
    return text if lines is None else "\n".join(text.splitlines()[-lines:] if lines else [])


def _agent_url(server: Server) -> str:
    """Return where the agent of the server's host listens. Raises Unavailable (503) if there is none, not 404."""
    try:
        agent_url = hosts.get(name=server.host).agent_url
    except HostNotFound:
        agent_url = ""
    if not agent_url:
        raise Unavailable(f"The host of instance {server.id} has no agent.")
    return agent_url


def _fetch(agent_url: str, server: Server, timeout_seconds: float) -> bytes:
    path = f"/hosts/{quote(server.host)}/servers/{server.id}/console"
    at = urlsplit(agent_url)
    connection = http.client.HTTPConnection(at.hostname or "127.0.0.1", at.port, timeout=timeout_seconds)
    try:
        connection.request("GET", path, headers={"X-Celerity-Signature": signing.TimestampSigner(salt=SALT).sign(path)})
        response = connection.getresponse()
        body = response.read(settings.CONSOLE_LOG_LIMIT + 1024)
        if response.status != http.HTTPStatus.OK:
            raise ConnectionError(f"the agent answered {response.status}")
        return body
    except (OSError, http.client.HTTPException) as error:
        log.warning("agent does not answer", host=server.host, error=str(error)[:300])
        raise Unavailable(f"The host of instance {server.id} does not answer for the moment.") from error
    finally:
        connection.close()
