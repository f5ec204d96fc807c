"""A running guest's counters, read by its host's agent."""

from typing import Any

import orjson

from apps.common.exceptions import Conflict
from apps.compute import states
from apps.compute.models import Server
from apps.compute.services import agents

MAX_BYTES = 1 << 20


def read(*, server: Server) -> dict[str, Any]:
    """Return the fields of the driver's Diagnostics.

    Raises Conflict (409) for a server without a running guest, Unavailable (503) when its agent does not answer.
    """
    if not server.host or server.power_state != states.RUNNING:
        raise Conflict(f"Cannot 'get_diagnostics' instance {server.id} while it is in power state {server.power_state}")
    counters: dict[str, Any] = orjson.loads(agents.ask(server=server, part="diagnostics", limit=MAX_BYTES))
    return counters
