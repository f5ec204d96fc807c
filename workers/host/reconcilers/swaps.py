"""Volumes that were to take the places of others of this host's servers, and that no run puts there any more.

Sets, per host:
  waiting = attachments that are kept for a swap, without a run on the server or the volume
Rules:
  waiting whose guest has the new volume -> that is the server's, and the old one is freed
  waiting whose guest has the old one    -> the server keeps that, and the new one is freed
  waiting of which the hypervisor knows nothing -> reported, and both are kept until an operator sets a status
Until then the server is not started (power.py). Of a server that is gone or elsewhere, the rows decide.
"""

import uuid
from typing import TYPE_CHECKING

from apps.compute.selectors import servers, volume_swaps
from apps.compute.services import volume_attachments
from apps.compute.services import volume_swaps as services
from apps.volumes.selectors import attachments
from apps.workflow.services import leases
from workers.engine.subjects import VOLUME
from workers.host.reconcilers.base import HostSnapshot, decide, idle
from workers.mapping import volumes as mapping

if TYPE_CHECKING:
    from apps.volumes.models import Attachment

KIND = "swap"
PROBLEM = "it was to take the place of another volume, and no run is open"


def reconcile(snapshot: HostSnapshot) -> None:
    for row in volume_swaps.waiting(host=snapshot.drivers.host):
        assert row.server_id is not None
        _decide(snapshot, row.id, row.server_id, row.volume_id)


def _decide(snapshot: HostSnapshot, attachment_id: uuid.UUID, server_id: uuid.UUID, volume_id: uuid.UUID) -> None:
    host = snapshot.drivers.host
    with (
        idle(snapshot.drivers, server_id) as is_free,
        leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle,
    ):
        rows = volume_swaps.waiting(host=host, server_id=server_id) if is_free and is_idle else []
        new = next((row for row in rows if row.id == attachment_id), None)
        server = servers.load(server_id=server_id) if new is not None else None
        if new is None or server is None or server.host != host:
            return
        decide(
            snapshot,
            volume_id,
            kind=KIND,
            problem=PROBLEM,
            unknown="nobody knows which volume its guest has",
            follow=lambda: _follow(snapshot, new, server_id),
        )


def _follow(snapshot: HostSnapshot, new: "Attachment", server_id: uuid.UUID) -> str:
    """Let the rows follow the guest. Returns what was done; "" where nobody knows it."""
    drivers, key = snapshot.drivers, str(server_id)
    others = [row for row in attachments.of_servers(server_ids=[server_id])[server_id] if row.id != new.id]
    opened = {row.id: drivers.hypervisor.disk_source(key, mapping.serial_of(row)) for row in others}
    replaced = next((row for row in others if mapping.is_opened_as(new, opened[row.id])), None)
    if replaced is not None:
        services.switch(attachment_id=replaced.id, new_attachment_id=new.id, host=drivers.host, live=True)
        mapping.disconnect(replaced, drivers)
        volume_attachments.remove(attachment_id=replaced.id)
        return "its guest has it: it is the server's"
    old_id = volume_swaps.replaced_by(new)
    old = next((row for row in others if row.id == old_id and opened[row.id]), None)
    if old is None:
        return ""
    drivers.hypervisor.end_copy(key)
    for row in (new, old):
        mapping.end_export(row, drivers)
    mapping.disconnect(new, drivers)
    services.give_up(attachment_id=old.id, new_attachment_id=new.id)
    return "its guest has the former one: freed"
