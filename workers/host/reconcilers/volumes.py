"""Volumes: the files and exports on the host, and the rows of volumes and attachments.

Sets, per host:
  there  = volumes in the host's pool
  wanted = volumes whose rows are on this host, or on which a run works
  opened = exports that are open on the host
  named  = attachments of servers that this host has open
Rules:
  there - wanted                     -> deleted (their volumes were deleted while the host was down)
  idle wanted - there                -> reported: the data is lost
  opened - named, no run on the volume -> taken from a guest that has it, and closed. A guest that holds it: reported
  named - opened                     -> opened; a guest that was paused because of it runs on
  files without a volume             -> removed
  snapshots in the pool without rows -> deleted (their rows went alone while the host was down)
  less free than the reserve         -> reported: guests' writes count too
After a restart of the machine no export is open: they are opened without findings, before guests are started.
"""

import uuid

import structlog
from django.conf import settings

from apps.volumes import states
from apps.volumes.selectors import attachments, snapshots, volumes
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.volume.base import VolumeInfo
from workers.engine.subjects import SNAPSHOT, VOLUME
from workers.host.reconcilers.base import HostSnapshot, idle
from workers.mapping import volumes as mapping

log = structlog.get_logger("celerity.agent")
KIND = "volume"
EXPORT = "export"
POOL = "pool"
RESUME_SECONDS = 10.0
RELEASE_SECONDS = 5.0


def reconcile(snapshot: HostSnapshot) -> None:
    driver = snapshot.drivers.volume
    infos = driver.list_volumes()
    there = {info.id for info in infos}
    rows = {str(volume.id): volume for volume in volumes.on_host(host=snapshot.drivers.host)}
    if there or rows:
        _compare_exports(snapshot)
    for volume_id in sorted(there - set(rows)):
        _remove_stranger(snapshot, uuid.UUID(volume_id))
    for info in infos:
        _remove_snapshots(snapshot, info)
    _check_reserve(snapshot)
    for volume_id, volume in rows.items():
        if volume_id not in there and volume.status in states.READABLE:
            problem = f"{volume.status} by its row, and none of its files are on the host"
            snapshot.report.remains(KIND, volume_id, found=problem)
    for text in driver.residue(remove=True):
        snapshot.report.repaired(KIND, text[:64], found=f"{text}: left by a killed process", done="removed")


def _compare_exports(snapshot: HostSnapshot) -> None:
    drivers = snapshot.drivers
    opened = {(export.volume_id, export.name) for export in drivers.volume.list_exports()}
    rows = [row for row in attachments.on_host(host=drivers.host) if row.by_compute]
    named = {(str(row.volume_id), mapping.export_spec(row).name): row for row in rows}
    for key in sorted(set(named) - opened):
        row = named[key]
        if row.server_id is not None and row.status == states.ATTACHED:
            _open(snapshot, row.server_id, row.id)
    for volume_id, name in sorted(opened - set(named)):
        _close_stranger(snapshot, uuid.UUID(volume_id), name)


def _open(snapshot: HostSnapshot, server_id: uuid.UUID, attachment_id: uuid.UUID) -> None:
    """Under the server's locks, and only while the attachment is as it was. A guest that is off needs no export."""
    drivers = snapshot.drivers
    with idle(drivers, server_id) as is_idle:
        row = attachments.load(attachment_id=attachment_id) if is_idle else None
        if row is None or row.status != states.ATTACHED or not _is_on(drivers, server_id):
            return
        try:
            mapping.connect(row, drivers.volume)
            drivers.hypervisor.resume_after_io_error(str(server_id), RESUME_SECONDS)
        except DriverError as error:
            problem = f"no export for server {server_id}; {error.message}"
            snapshot.report.remains(EXPORT, row.volume_id, found=problem)
            return
    if not snapshot.restarted:
        problem = f"attached to server {server_id}, and its export was not open"
        snapshot.report.repaired(EXPORT, row.volume_id, found=problem, done="opened")


def _is_on(drivers: HostDrivers, server_id: uuid.UUID) -> bool:
    info = drivers.hypervisor.info(str(server_id))
    return info is not None and info.power_state in (PowerState.RUNNING, PowerState.PAUSED)


def revive(drivers: HostDrivers, server_id: uuid.UUID) -> bool:
    """Open the exports that a paused guest has lost, and let it run on. Returns whether it runs.

    A guest that has all its exports was paused because of something else, a full disk say: it is left alone.
    """
    report = FindingReport(host=drivers.host)
    with idle(drivers, server_id) as is_idle:
        rows = [row for row in mapping.of_server(server_id) if row.status == states.ATTACHED] if is_idle else []
        opened = {(export.volume_id, export.name) for export in drivers.volume.list_exports()} if rows else set()
        lost = [row for row in rows if (str(row.volume_id), mapping.export_spec(row).name) not in opened]
        try:
            for row in lost:
                mapping.connect(row, drivers.volume)
            if not lost or not drivers.hypervisor.resume_after_io_error(str(server_id), RESUME_SECONDS):
                return False
        except DriverError as error:  # the next recovery tries again
            log.warning("guest not resumed", server=str(server_id), error=error.details or error.message)
            return False
    for row in lost:
        problem = f"its export failed, and the server {server_id} was paused"
        report.repaired(EXPORT, row.volume_id, found=problem, done="opened; the server runs on")
    return True


def _close_stranger(snapshot: HostSnapshot, volume_id: uuid.UUID, name: str) -> None:
    """Close an export that no attachment has. Both are read again under the volume's lock: a run may have opened it."""
    drivers = snapshot.drivers
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        rows = attachments.of_volume(volume_id=volume_id) if is_idle else []
        if not is_idle or name in {mapping.export_spec(row).name for row in rows}:
            return
        problem = "an export is open that no attachment has"
        try:
            for server_id in _holders(snapshot, volume_id):
                drivers.hypervisor.detach_disk(server_id, str(volume_id), RELEASE_SECONDS)
            drivers.volume.close_export(str(volume_id), name)
        except DriverError as error:
            snapshot.report.remains(EXPORT, volume_id, found=f"{problem}; {error.message}")
            return
    snapshot.report.repaired(EXPORT, volume_id, found=problem, done="closed")


def _holders(snapshot: HostSnapshot, volume_id: uuid.UUID) -> list[str]:
    """Return the servers whose guests have the volume."""
    hypervisor = snapshot.drivers.hypervisor
    return [server_id for server_id in snapshot.domains if str(volume_id) in hypervisor.disks_of(server_id)]


def _remove_snapshots(snapshot: HostSnapshot, info: VolumeInfo) -> None:
    """Delete the snapshots of a volume that have no rows. Read again under the volume's lock, and without a run."""
    if not info.snapshots:
        return
    volume_id, drivers = uuid.UUID(info.id), snapshot.drivers
    for snapshot_id in set(info.snapshots) - _snapshots_of(volume_id):
        with (
            leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle,
            leases.idle(subject_type=SNAPSHOT.name, subject_id=uuid.UUID(snapshot_id)) as is_free,
        ):
            if not (is_idle and is_free) or snapshot_id in _snapshots_of(volume_id):
                continue
            problem = f"the snapshot {snapshot_id} is in the pool, and has no row"
            try:
                drivers.volume.delete_snapshot(info.id, snapshot_id)
            except DriverError as error:
                snapshot.report.remains(KIND, volume_id, found=f"{problem}; {error.message}")
                continue
        snapshot.report.repaired(KIND, volume_id, found=problem, done="deleted")


def _snapshots_of(volume_id: uuid.UUID) -> set[str]:
    return {str(key) for key in snapshots.of_volume(volume_id=volume_id).values_list("id", flat=True)}


def _check_reserve(snapshot: HostSnapshot) -> None:
    """Guests' writes go on where new volumes are refused: an operator has to make room."""
    pool = snapshot.drivers.volume.pool()
    if pool.free_gib < pool.reserve_gib:
        problem = f"{pool.free_gib} GiB are free for volumes, less than the reserve of {pool.reserve_gib} GiB"
        snapshot.report.remains(POOL, snapshot.drivers.host, found=problem)


def _remove_stranger(snapshot: HostSnapshot, volume_id: uuid.UUID) -> None:
    drivers = snapshot.drivers
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        row = volumes.load(volume_id=volume_id) if is_idle else None
        if not is_idle or (row is not None and row.host == drivers.host):
            return
        if str(volume_id) not in {info.id for info in drivers.volume.list_volumes()}:
            return
        owner = "no volume has this id" if row is None else f"the volume is on {row.host or 'no host'}"
        problem = f"files of a volume on the host, but {owner}"
        if not settings.REMOVE_STRANGERS:
            snapshot.report.remains(KIND, volume_id, found=problem, done="left: CELERITY_REMOVE_STRANGERS is off")
            return
        if drivers.volume.capabilities.shared:
            return  # another host's, maybe
        drivers.volume.delete_volume(str(volume_id))
    snapshot.report.repaired(KIND, volume_id, found=problem, done="removed")
