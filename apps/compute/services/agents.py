"""What a server's host knows of its guest, asked of the host's agent over HTTP."""

import http

import structlog

from apps.common.exceptions import Conflict, Unavailable
from apps.compute.models import Server
from apps.scheduling.services import agents
from apps.scheduling.services.agents import TIMEOUT_SECONDS

log = structlog.get_logger("celerity.agents")


def ask(*, server: Server, part: str, limit: int, timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
    """Return the agent's answer about a part of a server, at most ``limit`` bytes of it.

    ``timeout_seconds`` is for each word of the agent. Raises Unavailable (503) when it does not answer, and Conflict
    (409) when the guest is not in a state that allows it.
    """
    parts = ("servers", str(server.id), part)
    try:
        status, body = agents.request(host=server.host, parts=parts, limit=limit, timeout_seconds=timeout_seconds)
    except agents.NoAgent as error:
        raise Unavailable(f"The host of instance {server.id} has no agent.") from error
    except agents.AgentSilent as error:
        raise _silent(server) from error
    if status == http.HTTPStatus.CONFLICT:
        raise Conflict(f"Instance {server.id} is not running.")
    if status != http.HTTPStatus.OK:
        log.warning("agent refused", host=server.host, status=status)
        raise _silent(server)
    return body


def _silent(server: Server) -> Unavailable:
    return Unavailable(f"The host of instance {server.id} does not answer for the moment.")
