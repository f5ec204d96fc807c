"""Keys of encrypted volumes: what the hypervisor has in its memory, and the attachments that need them.

Sets, per host:
  named = encrypted volumes of attachments of this host's servers
  kept  = volumes whose passphrase the hypervisor has
Rules:
  named - kept                          -> given again, after a restart of its daemon. One that cannot be had: reported
  kept - named, no run on the volume    -> forgotten
Neither is a finding: a guest that runs needs no passphrase, and nobody reads one that is kept too long.
"""

import uuid

from apps.volumes import states
from apps.volumes.selectors import attachments
from workers.drivers.errors import DriverError
from workers.host.reconcilers.base import HostSnapshot, idle_volume
from workers.host.reconcilers.exports import may_be_here
from workers.mapping import volume_keys

KIND = "volume_key"


def reconcile(snapshot: HostSnapshot) -> None:
    host, hypervisor = snapshot.drivers.host, snapshot.drivers.hypervisor
    rows = [row for row in attachments.on_host(host=host) if row.by_compute and row.server_id is not None]
    named = {str(row.volume_id): row for row in rows if row.volume.encrypted}
    kept = set(hypervisor.kept_keys())
    for volume_id in sorted(set(named) - kept):
        if named[volume_id].status == states.ATTACHED:
            try:
                key = volume_keys.of_volume(uuid.UUID(volume_id))
                hypervisor.keep_key(volume_id, key.passphrase)
            except DriverError as error:
                snapshot.report.remains(KIND, uuid.UUID(volume_id), found=f"{error.message} {error.details}"[:500])
    for volume_id in sorted(kept - set(named)):
        with idle_volume(uuid.UUID(volume_id)) as is_idle:
            now = attachments.of_volume(volume_id=uuid.UUID(volume_id)) if is_idle else []
            if is_idle and not any(may_be_here(row, host) for row in now):
                hypervisor.forget_key(volume_id)
