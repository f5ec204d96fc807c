"""Asking a host's agent over HTTP: what must not pass the broker, or must be known at once."""

import http.client
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import structlog
from django.core import signing

from apps.scheduling.exceptions import HostNotFound
from apps.scheduling.selectors import hosts

log = structlog.get_logger("celerity.agents")
SALT = "celerity.agent"
SIGNATURE = "X-Celerity-Signature"
TIMEOUT_SECONDS = 5


class AgentSilent(Exception):
    """The agent does not answer, or there is none. The text is for logs."""


class NoAgent(AgentSilent):
    """The host has none, or does not exist."""


def request(
    *, host: str, parts: Sequence[str], method: str = "GET", limit: int, timeout_seconds: float = TIMEOUT_SECONDS
) -> tuple[int, bytes]:
    """Return the status and the body, at most ``limit`` bytes, of an agent's answer.

    ``parts`` is the path below the host. ``timeout_seconds`` is for each word of the agent. Raises AgentSilent.
    """
    path = "/".join(["/hosts", *(quote(part, safe="") for part in (host, *parts))])
    at = urlsplit(_url_of(host))
    connection = http.client.HTTPConnection(at.hostname or "127.0.0.1", at.port, timeout=timeout_seconds)
    try:
        connection.request(method, path, headers={SIGNATURE: signing.TimestampSigner(salt=SALT).sign(path)})
        response = connection.getresponse()
        return response.status, response.read(limit)
    except (OSError, http.client.HTTPException) as error:
        log.warning("agent does not answer", host=host, error=str(error)[:300])
        raise AgentSilent(str(error)) from error
    finally:
        connection.close()


def _url_of(host: str) -> str:
    try:
        url = hosts.get(name=host).agent_url
    except HostNotFound:
        url = ""
    if not url:
        raise NoAgent("the host has no agent")
    return url
