"""Copies of disks of running guests, which a killed step has left.

Sets, per host:
  copied = servers of this host of which a disk is being copied
Rules:
  idle copied -> the copy ends, and the guest stays where it is: nobody waits for it, and QEMU writes to both sides
"""

import uuid

from workers.host.reconcilers.base import HostSnapshot, idle

KIND = "copy"


def reconcile(snapshot: HostSnapshot) -> None:
    drivers = snapshot.drivers
    for server_id in drivers.hypervisor.copied():
        with idle(drivers, uuid.UUID(server_id)) as is_idle:
            if is_idle and server_id in drivers.hypervisor.copied():
                drivers.hypervisor.end_copy(server_id)
                snapshot.report.repaired(KIND, uuid.UUID(server_id), found="a disk was being copied", done="ended")
