"""A server's console text, fetched from its host's agent over HTTP, because nothing large may pass the broker."""

from django.conf import settings

from apps.common.exceptions import Conflict
from apps.compute.models import Server
from apps.compute.services import agents, console_text
from apps.scheduling.services.agents import TIMEOUT_SECONDS


def output(*, server: Server, lines: int | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
    """Return the last ``lines`` lines (None: all there is) of at most ``CONSOLE_LOG_LIMIT`` bytes.

    ``timeout_seconds`` is for each word of the agent.

    Raises Conflict (409) for a server without a host and Unavailable (503) when its agent does not answer.
    """
    if not server.host:
        raise Conflict(
            f"Cannot get the console of instance {server.id}: it has no host, its build did not get that far."
        )
    raw = agents.ask(
        server=server, part="console", limit=settings.CONSOLE_LOG_LIMIT + 1024, timeout_seconds=timeout_seconds
    )
    text = console_text.clean(raw, cut=len(raw) >= settings.CONSOLE_LOG_LIMIT)
    return text if lines is None else "\n".join(text.splitlines()[-lines:] if lines else [])
