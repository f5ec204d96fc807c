"""Volumes: the files and exports on the host, and the rows of volumes and attachments.

Sets, per host:
  there  = volumes in the host's pool
  wanted = volumes whose rows are on this host, or on which a run works
  opened = exports that are open on the host
  named  = attachments of servers that this host has open
Rules:
  there - wanted                     -> deleted (their volumes were deleted while the host was down)
  idle wanted - there                -> reported: the data is lost
  opened - named, no run on the volume -> closed
  named - opened                     -> opened; a guest that was paused because of it runs on
  files without a volume             -> removed
After a restart of the machine no export is open: they are opened without findings, before guests are started.
"""

import uuid

import structlog
from django.conf import settings

from apps.volumes import states
from apps.volumes.selectors import attachments, volumes
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import PowerState
from workers.engine.subjects import VOLUME
from workers.host.reconcilers.base import HostSnapshot, idle
from workers.mapping import volumes as mapping

log = structlog.get_logger("celerity.agent")
KIND = "volume"
EXPORT = "export"
RESUME_SECONDS = 10.0


def reconcile(snapshot: HostSnapshot) -> None:
    driver = snapshot.drivers.volume
    there = {info.id for info in driver.list_volumes()}
    rows = {str(volume.id): volume for volume in volumes.on_host(host=snapshot.drivers.host)}
    if there or rows:
        _compare_exports(snapshot)
    for volume_id in sorted(there - set(rows)):
        _remove_stranger(snapshot, uuid.UUID(volume_id))
    for volume_id, volume in rows.items():
        if volume_id not in there and volume.status in states.READABLE:
            problem = f"{volume.status} by its row, and none of its files are on the host"
            snapshot.report.remains(KIND, volume_id, found=problem)
    for text in driver.residue(remove=True) if there else ():
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
        for row in lost:
            mapping.connect(row, drivers.volume)
        if not lost or not drivers.hypervisor.resume_after_io_error(str(server_id), RESUME_SECONDS):
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
        drivers.volume.close_export(str(volume_id), name)
    snapshot.report.repaired(EXPORT, volume_id, found="an export is open that no attachment has", done="closed")


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
        drivers.volume.delete_volume(str(volume_id))
    snapshot.report.repaired(KIND, volume_id, found=problem, done="removed")
