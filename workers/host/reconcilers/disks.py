"""Disks of servers in a pool that all hosts see.

Sets:
  pool    = servers with disks in the pool
  placed  = servers whose rows are on a host, or on which a run works
  records = servers of which this host has disks of the pool, by its files
Rules:
  pool - placed      -> another cloud's stay; else deleted by a host, one at a time (deleted while their host was down,
                        or built elsewhere); who has one open still may write no more. What stays, the first host that
                        is up reports
  kept for a host whose migration is over -> forgotten by any host: that one may not come back
  idle records - pool -> reported: the data is lost
"""

import time
import uuid

from django.conf import settings

from apps.compute import locks
from apps.compute.selectors import migrations
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
    with locks.pool_of_disks() as is_mine:
        if is_mine:
            _clear_pool(snapshot)
    for server_id in drivers.storage.missing_disks():
        _report_missing(snapshot, uuid.UUID(server_id))


def _clear_pool(snapshot: HostSnapshot) -> None:
    storage, until = snapshot.drivers.storage, time.monotonic() + PASS_SECONDS
    there = storage.list_disks()
    placed = selectors.placed(server_ids=there)
    for server_id in there:
        if time.monotonic() > until:
            return  # guests wait for the rest of the recovery
        if server_id not in placed:
            _remove_ownerless(snapshot, uuid.UUID(server_id))
    for server_id, host in storage.kept_in_pool().items():
        if time.monotonic() < until and host != snapshot.drivers.host:
            _forget_kept(snapshot, uuid.UUID(server_id), host)


def _forget_kept(snapshot: HostSnapshot, server_id: uuid.UUID, host: str) -> None:
    if migrations.may_return(server_id=server_id, host=host):
        return
    with idle(snapshot.drivers, server_id) as is_idle:
        storage = snapshot.drivers.storage
        if not is_idle or migrations.may_return(server_id=server_id, host=host):
            return
        if storage.kept_in_pool().get(str(server_id)) != host:
            return
        storage.forget_kept(str(server_id))
    snapshot.report.repaired(KIND, server_id, found=f"kept for {host}, and the migration is over", done="removed")


def _remove_ownerless(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    """Delete the disks of a server that is on no host. Read again under its locks."""
    if not snapshot.drivers.storage.owns_disks(str(server_id)):
        return
    with idle(snapshot.drivers, server_id) as is_idle:
        if not is_idle or _is_placed(server_id):
            return
        problem = "disks in the pool, and the server is on no host"
        if not settings.REMOVE_STRANGERS:
            _report_left(snapshot, server_id, problem, "left: CELERITY_REMOVE_STRANGERS is off")
            return
        try:
            snapshot.drivers.storage.delete_disks(str(server_id))
        except DriverError as error:
            _report_left(snapshot, server_id, f"{problem}; {error.details or error.message}", "")
            return
    snapshot.report.repaired(KIND, server_id, found=problem, done="deleted")


def _report_left(snapshot: HostSnapshot, server_id: uuid.UUID, problem: str, done: str) -> None:
    """All hosts see the pool; one tells."""
    if min(hosts.names_up(), default="") == snapshot.drivers.host:
        snapshot.report.remains(KIND, server_id, found=problem, done=done)


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
