"""Volumes that were moving while a server of this host had them, and that no run moves any more.

Sets, per host:
  arrivals = attachments of this host's servers to the target of a move, without a run on the volume or the server
Rules:
  arrivals whose guest has the target -> the volume is there: what the guest wrote since is there alone
  arrivals whose guest has the source, or whose server is elsewhere now -> the volume stays; the target is given up
  arrivals of a deleted server -> the same, after its domain is destroyed
  arrivals of which the hypervisor knows nothing -> reported, and both copies are kept
Until then the server is not started (power.py).
"""

import uuid
from typing import TYPE_CHECKING

from django.conf import settings

from apps.compute.selectors import servers
from apps.compute.services import volume_swaps
from apps.volumes.selectors import attachments
from apps.volumes.services import attachments as services
from apps.volumes.services import cut_moves
from apps.workflow.services import leases
from workers.engine.subjects import VOLUME
from workers.host.reconcilers.base import HostSnapshot, decide, idle
from workers.mapping import volumes as mapping

if TYPE_CHECKING:
    from apps.volumes.models import Attachment

KIND = "arrival"
PROBLEM = "it was moving, and no run is open"
LOST = "The run that moved it was lost."


def reconcile(snapshot: HostSnapshot) -> None:
    for row in list(attachments.arrivals(host=snapshot.drivers.host)):
        assert row.server_id is not None
        _decide(snapshot, row.id, row.server_id, row.volume_id)


def _decide(snapshot: HostSnapshot, attachment_id: uuid.UUID, server_id: uuid.UUID, volume_id: uuid.UUID) -> None:
    with (
        idle(snapshot.drivers, server_id) as is_free,
        leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle,
    ):
        there = attachments.load(attachment_id=attachment_id) if is_free and is_idle else None
        if there is None or not there.at_target:
            return
        decide(
            snapshot,
            volume_id,
            kind=KIND,
            problem=PROBLEM,
            unknown="nobody knows which copy its guest has",
            follow=lambda: _follow(snapshot, there, server_id),
        )


def _follow(snapshot: HostSnapshot, there: "Attachment", server_id: uuid.UUID) -> str:
    """Let the rows follow the guest. Returns what was done; "" where nobody knows it."""
    drivers, key, server = snapshot.drivers, str(server_id), servers.load(server_id=server_id)
    name = drivers.hypervisor.disk_source(key, mapping.serial_of(there))
    is_elsewhere = server is not None and server.host != drivers.host
    if not is_elsewhere and (not name or (server is None and not settings.REMOVE_STRANGERS)):
        return ""
    if server is None:
        drivers.hypervisor.destroy(key)
    rows = attachments.of_servers(server_ids=[server_id]).get(server_id, [])
    before = next((row for row in rows if row.volume_id == there.volume_id and not row.at_target), None)
    if is_elsewhere or not mapping.is_opened_as(there, name):
        return _stay(snapshot, there, before)
    if before is not None:
        mapping.disconnect(before, drivers)
    volume_swaps.arrive(there=there, before=before)
    if server is None:
        services.delete(attachment=there, by_compute=True)
    cut_moves.mark_found(volume_id=there.volume_id)
    return "the volume is where its guest has it: at the target"


def _stay(snapshot: HostSnapshot, there: "Attachment", before: "Attachment | None") -> str:
    """End the copy, and close what it had open: see MoveGuest."""
    drivers = snapshot.drivers
    drivers.hypervisor.end_copy(str(there.server_id))
    for row in (there, before):
        if row is not None:
            mapping.end_export(row, drivers)
    mapping.disconnect(there, drivers)
    cut_moves.stay(volume_id=there.volume_id, message=LOST)
    return "the volume stays where its guest has it"
