"""Domains and files on the host, and the servers that should be there.

Sets, per host:
  wanted  = servers whose rows are on this host and not deleted, or whose active run is on it
  left    = servers of which this host keeps the disks of before a migration that is to be confirmed or reverted
  kept    = servers of which the host has copies of before a resize
  domains = Celerity's domains on the host
  files   = servers that have a directory on the host
Rules:
  left - wanted              -> destroyed, if it has a domain here; its files stay
  kept - left, idle          -> the copies are removed
  other (domains + files) - wanted -> destroyed with their files (deleted while the host was down, or built elsewhere)
  idle wanted - files        -> reported: the disks are lost. The server can be deleted, or started again from its image
  idle wanted - domains      -> nothing: a start defines the domain again (see power.py)
"""

import uuid
from typing import TYPE_CHECKING

from django.conf import settings

from apps.compute import states
from apps.compute.selectors import migrations
from apps.compute.selectors import servers as selectors
from apps.volumes.selectors import attachments
from workers.config import HostDrivers
from workers.host.reconcilers.base import HostSnapshot, idle
from workers.mapping import moves

if TYPE_CHECKING:
    from apps.compute.models import Server

KIND = "domain"
FILES = "files"


def reconcile(snapshot: HostSnapshot) -> None:
    for server_id in sorted((snapshot.files | set(snapshot.domains)) - set(snapshot.rows)):
        _remove_stranger(snapshot, uuid.UUID(server_id))
    for server_id in snapshot.drivers.storage.list_kept():
        if moves.is_over(snapshot.drivers.storage, snapshot.left, server_id):
            _forget_kept(snapshot, uuid.UUID(server_id))
    for server_id, server in snapshot.rows.items():
        if server.vm_state in states.SETTLED and not server.task_state and server_id not in snapshot.files:
            _report_missing(snapshot, server.id)


def _remove_stranger(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    """Destroy an orphan on this host. The owner is checked again under the server's locks."""
    drivers = snapshot.drivers
    with idle(drivers, server_id) as is_idle:
        row = selectors.load(server_id=server_id) if is_idle else None
        if not is_idle or (row is not None and row.host == drivers.host):
            return
        if row is None and attachments.has_arrival(server_id=server_id, host=drivers.host):
            return  # the domain alone knows which copy of a volume it had: see arrivals.py
        keeps = str(server_id) in migrations.left_on(host=drivers.host)
        there = [name for name in _present(drivers, server_id) if name == "domain" or not keeps]
        if not there:
            return
        owner = "no server has this id" if row is None else f"the server is on {row.host or 'no host'}"
        kind, problem = KIND if "domain" in there else FILES, f"{' and '.join(there)} on the host, but {owner}"
        if not settings.REMOVE_STRANGERS:
            snapshot.report.remains(kind, server_id, found=problem, done="left: CELERITY_REMOVE_STRANGERS is off")
            return
        if row is not None and _may_be_the_only_one(drivers, row):
            snapshot.report.remains(kind, server_id, found=problem, done="left: all of the guest may be here alone")
            return
        drivers.hypervisor.destroy(str(server_id))
        drivers.hypervisor.settle_arrival(str(server_id), runs=False)
        if not keeps:
            drivers.storage.remove_server(str(server_id))
    snapshot.report.repaired(kind, server_id, found=problem, done="removed")


def _may_be_the_only_one(drivers: HostDrivers, server: "Server") -> bool:
    """Whether a live migration to this host failed after all of the guest was here. Its host's agent knows if it has it
    as well: until then, and if it has not, nothing is destroyed.
    """
    if server.power_state in (states.RUNNING, states.POWER_STATES["paused"]):
        return False
    failed = migrations.has_failed_to(server_id=server.id, host=drivers.host)
    return failed and drivers.hypervisor.has_arrived(str(server.id))


def _forget_kept(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    """Remove copies whose migration ended while this host was out of reach."""
    drivers = snapshot.drivers
    with idle(drivers, server_id) as is_idle:
        if not is_idle or not moves.is_over(drivers.storage, migrations.left_on(host=drivers.host), str(server_id)):
            return
        drivers.storage.forget_kept(str(server_id))
    snapshot.report.repaired(FILES, server_id, found="disks of before a resize that is over", done="removed")


def _present(drivers: HostDrivers, server_id: uuid.UUID) -> list[str]:
    """Return what the host has of a server now: a delete may have ended since the host was listed."""
    leftovers = ["domain"] if drivers.hypervisor.info(str(server_id)) is not None else []
    return leftovers + (["files"] if str(server_id) in drivers.storage.list_servers() else [])


def _report_missing(snapshot: HostSnapshot, server_id: uuid.UUID) -> None:
    with idle(snapshot.drivers, server_id) as is_idle:
        row = selectors.load(server_id=server_id) if is_idle else None
        if row is None or row.host != snapshot.drivers.host or row.vm_state not in states.SETTLED or row.task_state:
            return
        if str(server_id) in snapshot.drivers.storage.list_servers():
            return
    snapshot.report.remains(FILES, server_id, found=f"{row.vm_state} by its row, and none of its files are on the host")
