"""Disks of servers in a pool that all hosts see.

Sets:
  pool    = servers with disks in the pool
  placed  = servers whose rows are on a host, or on which a run works
  records = servers of which this host has disks of the pool, by its files
Rules:
  pool - placed      -> another cloud's stay; else deleted by the first host that is up (deleted while their host was
                        down, or built elsewhere); who has one open still may write no more
  idle records - pool -> reported: the data is lost
"""

import time
import uuid

from django.conf import settings

from apps.compute.selectors import servers as selectors
from apps.scheduling.selectors import hosts
from workers.drivers.errors import DriverError
from workers.host.reconcilers.base import HostSnapshot, idle

KIND = "disks"
PASS_SECONDS = 60


def reconcile(snapshot: HostSnapshot) -> None:
    drivers = snapshot.drivers
    if not drivers.storage.capabilities.shared:
        return
    if min(hosts.names_up(), default="") == drivers.host:
        until = time.monotonic() + PASS_SECONDS
        for server_id in drivers.storage.list_disks():
            if time.monotonic() > until:
                break  # guests wait for the rest of the recovery
            _remove_ownerless(snapshot, uuid.UUID(server_id))
    for server_id in drivers.storage.missing_disks():
        _report_missing(snapshot, uuid.UUID(server_id))


def _remove_ownerless(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    """Delete the disks of a server that is on no host. Read again under its locks."""
    if _is_placed(server_id) or not snapshot.drivers.storage.owns_disks(str(server_id)):
        return
    with idle(snapshot.drivers, server_id) as is_idle:
        if not is_idle or _is_placed(server_id):
            return
        problem = "disks in the pool, and the server is on no host"
        if not settings.REMOVE_STRANGERS:
            snapshot.report.remains(KIND, server_id, found=problem, done="left: CELERITY_REMOVE_STRANGERS is off")
            return
        try:
            snapshot.drivers.storage.delete_disks(str(server_id))
        except DriverError as error:
            snapshot.report.remains(KIND, server_id, found=f"{problem}; {error.details or error.message}")
            return
    snapshot.report.repaired(KIND, server_id, found=problem, done="deleted")


def _is_placed(server_id: uuid.UUID) -> bool:
    row = selectors.load(server_id=server_id)
    return row is not None and bool(row.host)


def _report_missing(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    with idle(snapshot.drivers, server_id) as is_idle:
        row = selectors.load(server_id=server_id) if is_idle else None
        if row is None or row.host != snapshot.drivers.host:
            return
        if str(server_id) not in snapshot.drivers.storage.missing_disks():
            return
    snapshot.report.remains(KIND, server_id, found="a disk of the server is not in the pool")
