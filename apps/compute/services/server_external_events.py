"""Events that other services report about servers. This cloud's own parts need none: they share its rows.

An event of a network has the server's ports programmed again. Volumes do not exist here, and power states come from the
hosts themselves: those events are taken and change nothing.
"""

import uuid
from collections.abc import Sequence

from apps.compute.selectors import servers as selectors
from apps.networking.services import interfaces

NETWORK_EVENTS = ("network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted")
TAGGED = ("volume-extended", "power-update", "accelerator-request-bound", "volume-reimaged")
POWER_TAGS = ("POWER_ON", "POWER_OFF")


def receive(*, events: Sequence[tuple[uuid.UUID, str, str | None]]) -> list[int]:
    """Take events, as (server, name, tag). Returns a code for each: 200 for one that was taken, 404 where no such
    server exists, 400 where the tag is missing or unknown, 422 for a server that is on no host.
    """
    hosts = selectors.hosts_of(server_ids={server_id for server_id, _, _ in events})
    codes = [_code(hosts.get(server_id), name, tag) for server_id, name, tag in events]
    changed = {
        server_id
        for (server_id, name, _), code in zip(events, codes, strict=True)
        if code == 200 and name in NETWORK_EVENTS
    }
    if changed:
        interfaces.program(server_ids=sorted(changed))
    return codes


def _code(host: str | None, name: str, tag: str | None) -> int:
    if host is None:
        return 404
    if (name in TAGGED and tag is None) or (name == "power-update" and tag not in POWER_TAGS):
        return 400
    return 200 if host else 422
