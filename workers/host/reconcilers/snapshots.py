"""Snapshots of servers' disks on the host, and the runs that make them.

Sets, per host:
  snapshots = servers with a snapshot's file
  busy      = servers with an active run
Rules:
  snapshots - busy -> the copy is ended, the guest thawed, the file removed (a run ended while the host was away)
  guests that were frozen for a volume's snapshot, for too long -> thawed
"""

import uuid

from workers.host.reconcilers.base import HostSnapshot, idle
from workers.mapping import quiescing
from workers.tasks.servers import snapshots

KIND = "snapshot"


def reconcile(snapshot: HostSnapshot) -> None:
    drivers = snapshot.drivers
    for server_id in drivers.storage.list_snapshots():
        key = uuid.UUID(server_id)
        with idle(drivers, key) as is_idle:
            if not is_idle or server_id not in drivers.storage.list_snapshots():
                continue
            snapshots.clear(key, drivers)
        snapshot.report.repaired(KIND, key, found="left by a run that is over", done="removed")
    for server_id in quiescing.thaw_forgotten(drivers):
        snapshot.report.repaired(KIND, uuid.UUID(server_id), found="its file systems were frozen", done="thawed")
