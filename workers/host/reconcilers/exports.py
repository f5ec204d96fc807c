"""Exports: volumes that are open on the host, and the attachments that want them.

Sets, per host:
  named     = attachments of this host's servers
  opened    = exports for servers of this host, and its connections to exports of other hosts
  wanted    = exports of volumes here that other hosts are to have
  listening = those that are open
Rules:
  named - opened                        -> opened; a guest that was paused because of it runs on
  opened - named, no run on the volume  -> taken from a guest that has it, and closed. A guest that holds it: reported
  wanted - listening                    -> opened; the host that has it is asked to look
  listening - wanted                    -> closed
  named, its volume's host is away      -> reported; the connection is ended, and the guest is paused. It runs on when
                                           that host is back
  a connection of another size than its volume's -> made again, and the guest sees the size
After a restart of the machine no export is open: they are opened without findings, before guests are started.
"""

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog

from apps.scheduling.selectors import hosts
from apps.volumes import states
from apps.volumes.selectors import attachments
from apps.volumes.selectors import exports as selectors
from apps.workflow.selectors import runs
from apps.workflow.services import leases
from apps.workflow.services.findings import FindingReport
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.volume.errors import PoolUnavailable
from workers.engine.subjects import SERVER, VOLUME
from workers.host.reconcilers import power
from workers.host.reconcilers.base import HostSnapshot, idle, idle_volume
from workers.mapping import exports
from workers.mapping import volumes as mapping

if TYPE_CHECKING:
    from apps.volumes.models import Attachment, Export

log = structlog.get_logger("celerity.agent")
KIND = "export"
RESUME_SECONDS = 10.0
RELEASE_SECONDS = 5.0


def reconcile(snapshot: HostSnapshot) -> None:
    _follow_rows(snapshot)
    rows = [row for row in attachments.on_host(host=snapshot.drivers.host) if row.by_compute]
    opened = _Opened(snapshot.drivers)
    for row in rows:
        if row.server_id is not None and row.status == states.ATTACHED and not opened.has(row):
            _open(snapshot, row.server_id, row.id)
    named = {(str(row.volume_id), mapping.export_spec(row).name) for row in rows}
    for volume_id, name in sorted(opened.local - named):
        _close_stranger(snapshot, uuid.UUID(volume_id), name)
    owners = {str(row.id) for row in rows}
    for owner, volume_id in sorted(opened.remote.items()):
        if owner not in owners:
            _end_stranger(snapshot, uuid.UUID(volume_id), owner)
    _look_after_all(snapshot, [row for row in rows if mapping.is_elsewhere(row, snapshot.drivers.host)])


class _Opened:
    """What is open for servers of this host: exports by volume and name, connections by owner."""

    def __init__(self, drivers: HostDrivers) -> None:
        self.host = drivers.host
        exports_here = drivers.volume.list_exports()
        self.local = {(export.volume_id, export.name) for export in exports_here if export.listening is None}
        self.remote = {export.owner: export.volume_id for export in drivers.volume.list_connections()}

    def has(self, row: "Attachment") -> bool:
        if mapping.is_direct(row):
            return True
        if mapping.is_elsewhere(row, self.host):
            return str(row.id) in self.remote
        return (str(row.volume_id), mapping.export_spec(row).name) in self.local


def _open(snapshot: HostSnapshot, server_id: uuid.UUID, attachment_id: uuid.UUID) -> None:
    """Under the server's locks, and only while the attachment is as it was. A guest that is off needs no export."""
    drivers = snapshot.drivers
    with idle(drivers, server_id) as is_idle:
        row = attachments.load(attachment_id=attachment_id) if is_idle else None
        if row is None or row.status != states.ATTACHED or not _is_on(drivers, server_id):
            return
        try:
            _connect(drivers, row)
            drivers.hypervisor.resume_after_io_error(str(server_id), RESUME_SECONDS)
        except DriverError as error:
            problem = f"no export for server {server_id}; {error.message} {error.details}".rstrip()[:500]
            snapshot.report.remains(KIND, row.volume_id, found=problem)
            return
    if not snapshot.restarted:
        problem = f"attached to server {server_id}, and its export was not open"
        snapshot.report.repaired(KIND, row.volume_id, found=problem, done="opened")


def _is_on(drivers: HostDrivers, server_id: uuid.UUID) -> bool:
    info = drivers.hypervisor.info(str(server_id))
    return info is not None and info.power_state in (PowerState.RUNNING, PowerState.PAUSED)


def revive(drivers: HostDrivers, server_id: uuid.UUID) -> bool:
    """Open the exports that a paused guest has lost, and let it run on. Returns whether it runs.

    A guest with local volumes that has all its exports was paused because of something else, a full disk say: it is
    left alone. Of a volume elsewhere nothing here tells whether it was lost: its host looks, then the guest is tried.
    """
    report = FindingReport(host=drivers.host)
    with idle(drivers, server_id) as is_idle:
        rows = [row for row in mapping.of_server(server_id) if row.status == states.ATTACHED] if is_idle else []
        opened = _Opened(drivers)
        lost = [row for row in rows if mapping.is_elsewhere(row, drivers.host) or not opened.has(row)]
        try:
            for row in lost:
                if mapping.is_elsewhere(row, drivers.host):
                    exports.check(row, drivers.host)
                _connect(drivers, row)
            if not lost or not drivers.hypervisor.resume_after_io_error(str(server_id), RESUME_SECONDS):
                return False
        except DriverError as error:  # the next recovery tries again
            log.warning("guest not resumed", server=str(server_id), error=error.details or error.message)
            return False
    for row in lost:
        problem = f"its export failed, and the server {server_id} was paused"
        report.repaired(KIND, row.volume_id, found=problem, done="opened; the server runs on")
    power.repair(drivers, server_id)  # its row may say that it is paused
    return True


def _close_stranger(snapshot: HostSnapshot, volume_id: uuid.UUID, name: str) -> None:
    """Close an export that no attachment has. Both are read again under the volume's lock: a run may have opened it."""
    drivers = snapshot.drivers
    with idle_volume(volume_id) as is_idle:
        rows = attachments.of_volume(volume_id=volume_id) if is_idle else []
        if not is_idle or name in {mapping.export_spec(row).name for row in rows if may_be_here(row, drivers.host)}:
            return
        problem = "an export is open that no attachment has"
        try:
            _take_back(snapshot, name)
            drivers.volume.close_export(str(volume_id), name)
        except DriverError as error:
            snapshot.report.remains(KIND, volume_id, found=f"{problem}; {error.message}")
            return
    snapshot.report.repaired(KIND, volume_id, found=problem, done="closed")


def _end_stranger(snapshot: HostSnapshot, volume_id: uuid.UUID, owner: str) -> None:
    """The same with a connection to another host's export."""
    drivers = snapshot.drivers
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        rows = attachments.of_volume(volume_id=volume_id) if is_idle else []
        if not is_idle or owner in {str(row.id) for row in rows if may_be_here(row, drivers.host)}:
            return
        problem = "the host is connected to an export that none of its attachments has"
        try:
            for export in drivers.volume.list_connections():
                if export.owner == owner:
                    _take_back(snapshot, export.name)
            drivers.volume.disconnect(owner)
        except DriverError as error:
            snapshot.report.remains(KIND, volume_id, found=f"{problem}; {error.message}")
            return
    snapshot.report.repaired(KIND, volume_id, found=problem, done="disconnected")


def may_be_here(row: "Attachment", host: str) -> bool:
    """A server that moves has its volumes on two hosts."""
    moves = row.server_id is not None and runs.has_active(subject_type=SERVER.name, subject_id=row.server_id)
    return row.host == host or moves


def _take_back(snapshot: HostSnapshot, name: str) -> None:
    """Take the export from the guests that have it open. A disk's serial number may be that of another volume, whose
    place this one took.
    """
    hypervisor = snapshot.drivers.hypervisor
    for server_id in snapshot.domains:
        for serial in hypervisor.disks_of(server_id):
            if hypervisor.disk_source(server_id, serial) == name:
                hypervisor.detach_disk(server_id, serial, RELEASE_SECONDS)


def _follow_rows(snapshot: HostSnapshot) -> None:
    """Open and close the exports that other hosts have of volumes here. What never was open is on its way."""
    drivers = snapshot.drivers
    remote = [export for export in drivers.volume.list_exports() if export.listening is not None]
    listening = {(export.volume_id, export.name) for export in remote}
    rows = {
        (str(row.attachment.volume_id), f"e{row.name}"): row for row in selectors.of_storage_host(host=drivers.host)
    }
    lost = {key: row for key, row in rows.items() if key not in listening and row.opened_at is not None}
    strangers = {volume_id for volume_id, _ in listening - set(rows) if _is_settled(uuid.UUID(volume_id))}
    for volume_id in sorted({volume_id for volume_id, _ in listening | set(rows)}):
        exports.follow(uuid.UUID(volume_id), drivers)
    for volume_id in sorted(strangers):
        problem = "an export is open for another host that no attachment has"
        snapshot.report.repaired(KIND, volume_id, found=problem, done="closed")
    for key in sorted(set(rows) - listening):
        _report_opened(snapshot, rows[key], was_lost=key in lost)


def _report_opened(snapshot: HostSnapshot, row: "Export", *, was_lost: bool) -> None:
    """An export was not open. Where it is now, guests may have waited for it."""
    volume_id, now = row.attachment.volume_id, selectors.of_attachment(attachment_id=row.attachment_id, host=row.host)
    if now is not None and now.error:
        snapshot.report.remains(KIND, volume_id, found=f"not open for the host {row.host}; {now.error}")
    elif now is not None and now.opened_at is not None:
        exports.tell_guests(row.host, volume_id)
        if was_lost and not snapshot.restarted:
            problem = f"open for the host {row.host}, and not found"
            snapshot.report.repaired(KIND, volume_id, found=problem, done="opened")


def _is_settled(volume_id: uuid.UUID) -> bool:
    with leases.idle(subject_type=VOLUME.name, subject_id=volume_id) as is_idle:
        return is_idle


def look_after(volume_id: uuid.UUID, drivers: HostDrivers) -> None:
    """Let guests here see the present size of a volume of another host, and run on if they were paused."""
    for row in attachments.of_volume(volume_id=volume_id):
        is_here = row.by_compute and row.host == drivers.host and row.status == states.ATTACHED
        if is_here and mapping.is_direct(row):
            _tell_size(drivers, row)
        elif is_here and mapping.is_elsewhere(row, drivers.host):
            _look_after(drivers, row)


def _look_after_all(snapshot: HostSnapshot, rows: Iterable["Attachment"]) -> None:
    rows = [row for row in rows if row.status == states.ATTACHED]
    up = hosts.names_up(names={row.volume.host for row in rows}) if rows else set()
    for row in rows:
        if row.volume.host not in up:
            problem = f"the server {row.server_id} has it, and the volume's host {row.volume.host} is down"
            snapshot.report.remains(KIND, row.volume_id, found=problem)
            _give_up(snapshot.drivers, row)
        else:
            _look_after(snapshot.drivers, row)


def _give_up(drivers: HostDrivers, row: "Attachment") -> None:
    """End a connection to a host that lost its power: else the guest's requests would wait for it for many minutes. The
    guest is paused instead, when it asks for something. One whose agent alone is down answers.
    """
    remote = exports.known_for(row, drivers.host)
    if remote is None or str(row.id) not in {export.owner for export in drivers.volume.list_connections()}:
        return
    try:
        drivers.volume.connect(remote)
    except PoolUnavailable:
        drivers.volume.disconnect(remote.owner)


def _look_after(drivers: HostDrivers, row: "Attachment") -> None:
    if row.server_id is None or not _is_on(drivers, row.server_id):
        return
    seen = {export.owner: export.size_gib for export in drivers.volume.list_connections()}
    if str(row.id) in seen and seen[str(row.id)] != row.volume.size:
        _show_size(drivers, row)
    info = drivers.hypervisor.info(str(row.server_id))
    if info is not None and info.power_state == PowerState.PAUSED and info.reason == "io_error":
        revive(drivers, row.server_id)


def _show_size(drivers: HostDrivers, row: "Attachment") -> None:
    """A guest that is not free for it sees the size at the next look."""
    assert row.server_id is not None
    with idle(drivers, row.server_id) as is_idle:
        try:
            if is_idle:
                _connect(drivers, row)
                drivers.hypervisor.resume_after_io_error(str(row.server_id), RESUME_SECONDS)
        except DriverError as error:
            log.warning("guest keeps the old size", volume=str(row.volume_id), error=error.details or error.message)


def _connect(drivers: HostDrivers, row: "Attachment") -> None:
    """Have the attachment's volume here. A guest whose connection is made again sees the present size of the volume."""
    seen = {export.owner: export.size_gib for export in drivers.volume.list_connections()}.get(str(row.id))
    mapping.connect(row, drivers)
    if mapping.is_elsewhere(row, drivers.host) and seen != row.volume.size:
        _tell_size(drivers, row)


def _tell_size(drivers: HostDrivers, row: "Attachment") -> None:
    try:
        drivers.hypervisor.resize_disk(str(row.server_id), mapping.serial_of(row), row.volume.size << 30)
    except DriverError as error:  # it sees the size when the disk is plugged in again
        log.warning("guest keeps the old size", volume=str(row.volume_id), error=error.details or error.message)
