"""Servers of a dead host: which restart elsewhere by themselves, in which order, and why others stay."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings

from apps.compute import states
from apps.compute.models import Server
from apps.compute.selectors import drains, server_hardware, servers, volume_attachments, volume_swaps
from apps.volumes.selectors import server_volumes

PROPERTY = "celerity:restart_elsewhere"  # an extra spec of flavors, and a key of servers' metadata
NEVER, USUAL, MOST = "never", 50, 100
MAKING = "is being made again"
BACK = "its host is heard again: switch the machine off, or take back that it is down"
RESIZED = "waits for the end of its resize: revert that, and it is on its former host, with its disks of then"
MADE_AGAIN = (states.ACTIVE, states.STOPPED, states.ERROR)


def priority(server: Server) -> int | None:
    """Return how early a server restarts elsewhere by itself, 100 first; None: it does not.

    Its flavor says so, and its owner may say less. Without either, ``RESTART_ELSEWHERE`` decides.
    """
    flavor = (server.flavor.get("extra_specs") or {}).get(PROPERTY)
    given = [str(value) for value in (flavor, server.metadata.get(PROPERTY)) if value is not None]
    if NEVER in given:
        return None
    numbers = [int(value) for value in given if value.isascii() and value.isdigit() and len(value) <= len(str(MOST))]
    if not numbers:
        return USUAL if settings.RESTART_ELSEWHERE else None
    return min(*numbers, MOST if flavor is not None else USUAL)


def in_order(*, host: str) -> list[Server]:
    """Return a host's servers, those first that restart first. 1 query."""
    rows = servers.on_host(host=host).defer(*servers.HEAVY).order_by("created_at", "id")
    return sorted(rows, key=lambda server: -(priority(server) or 0))


def reasons(*, host: str, since: datetime | None, everything: bool, is_back: bool = False) -> dict[uuid.UUID, str]:
    """Return why servers are still on a dead host, in words and in their order; "": they are next.

    ``everything``: all are made again; else those that restart by themselves. ``is_back``: the host is heard since it
    was declared dead: none is made again. 3 queries, and 3 a server with volumes.
    """
    if is_back:
        return {server.id: BACK for server in in_order(host=host)}
    on_their_way = drains.moving(host=host)
    failed = drains.failed(host=host, since=since) if since else {}
    return {
        server.id: MAKING if server.id in on_their_way else _reason(server, failed, everything)
        for server in in_order(host=host)
    }


def reasons_of(host: Any) -> dict[uuid.UUID, str]:
    """Return the same of a host that is evacuated, by its row."""
    return reasons(
        host=host.name, since=host.evacuating_since, everything=host.evacuates_all, is_back=host.is_back
    )  # fmt: skip


def _reason(server: Server, failed: dict[uuid.UUID, str], everything: bool) -> str:
    if server.task_state:
        return f"another action is under way: {server.task_state}"
    if server.vm_state == states.RESIZED:
        return RESIZED
    if server.vm_state not in MADE_AGAIN:
        return f"is {server.vm_state}: running, stopped and erroneous servers are made again"
    if not everything and priority(server) is None:
        return "is not to restart elsewhere by itself"
    if server_hardware.has_tpm(server):
        return "has a TPM, whose state is on its host"
    if has_data_there(server):
        return "data of its volumes is on its host"
    if server.has_volumes and volume_swaps.is_undecided(server_id=server.id, host=server.host):
        return "its host has not said which copy of a volume its guest has: set a status of that volume"
    return failed.get(server.id, "")


def has_data_there(server: Server) -> bool:
    """Return whether its host has data of its volumes. At most 4 queries."""
    if not server.has_volumes:
        return False
    volumes = volume_attachments.volume_ids(server_id=server.id)
    return server.host in server_volumes.places(volume_ids=volumes)[0]


def becomes(server: Server) -> str:
    """Return what a server has after it was made again, in words."""
    if server.image_id is None:
        return "with its volumes"
    if settings.ROOT_STORE:
        return "with its disk, if that is in the pool" + (", and its volumes" if server.has_volumes else "")
    return "its disk is made again" + (", its volumes keep their data" if server.has_volumes else "")
