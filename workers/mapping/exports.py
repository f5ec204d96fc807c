"""Volumes of other hosts: an export is wanted by its row, and the volume's host follows the rows.

Any step, on any host, may call ``open_for`` and ``close_for``. The agent of the volume's host does the work: it is
asked over HTTP, or here if this process serves that host. An agent that is not reached finds out in its recovery.
"""

import contextlib
import http
import uuid
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from apps.scheduling.selectors import hosts
from apps.scheduling.services import agents
from apps.volumes import states
from apps.volumes.exceptions import NoPortLeft
from apps.volumes.selectors import attachments
from apps.volumes.selectors import exports as selectors
from apps.volumes.services import exports
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.volume.base import ExportSpec, Listening, RemoteExport
from workers.drivers.volume.errors import PortTaken, StorageHostDown, StorageHostSilent

if TYPE_CHECKING:
    from apps.volumes.models import Attachment, Export

log = structlog.get_logger("celerity.agent")
TELL_SECONDS = 15.0
ASK_SECONDS = 45.0  # a daemon and a relay are started, after another operation on the volume
PORTS_TRIED = 5
ERROR_BYTES = 2000


def open_for(attachment: "Attachment", host: str, *, alone: bool = False) -> RemoteExport:
    """Have the attachment's volume open for ``host``, and return what its driver connects to.

    ``alone``: exports of the attachment for other hosts are closed first. Raises StorageHostDown, StorageHostSilent.
    """
    storage_host = attachment.storage_host
    if alone:
        exports.forget(attachment_id=attachment.id, but=host)
    row = exports.want(attachment=attachment, host=host, storage_host=storage_host)
    if alone or row.opened_at is None:
        _follow(storage_host, attachment.volume_id)
        row.refresh_from_db()
    if row.opened_at is None or row.port is None:
        reason = row.error or "The volume's export was not opened."
        raise StorageHostSilent(reason, details=f"the host {storage_host}")
    return _remote(attachment, row)


def known_for(attachment: "Attachment", host: str) -> RemoteExport | None:
    """Return what a host's driver connects to, as the volume's host said last. None: it was never opened."""
    row = selectors.of_attachment(attachment_id=attachment.id, host=host)
    return _remote(attachment, row) if row is not None and row.port is not None else None


def _remote(attachment: "Attachment", row: "Export") -> RemoteExport:
    assert row.port is not None
    volume = attachment.volume
    return RemoteExport(
        volume_id=str(volume.id), name=f"e{row.name}", owner=str(attachment.id), host=row.storage_host,
        address=row.address, port=row.port, size_gib=volume.size, readonly=attachment.mode == states.READ_ONLY,
    )  # fmt: skip


def check(attachment: "Attachment", host: str) -> None:
    """Have the volume's host look after the export: it may have lost it. Raises as ``open_for``."""
    row = exports.want(attachment=attachment, host=host, storage_host=attachment.storage_host)
    exports.mark_failed(export=row, message="")
    open_for(attachment, host)


def close_for(attachment: "Attachment", host: str | None = None) -> None:
    """Close the attachment's export for ``host``, or all (None). Absent is success.

    A volume's host that is not reached closes it in its recovery: nobody opens the volume before.
    """
    if exports.forget(attachment_id=attachment.id, host=host):
        tell(attachment.storage_host, attachment.volume_id)


def tell(storage_host: str, volume_id: uuid.UUID) -> None:
    """Tell a volume's host that rows have changed, if it can be reached."""
    try:
        _follow(storage_host, volume_id)
    except DriverError as error:
        log.warning("storage host not reached", storage_host=storage_host, volume=str(volume_id), error=error.message)


def _follow(storage_host: str, volume_id: uuid.UUID) -> None:
    """Have a volume's host do what the rows say. Raises StorageHostDown, StorageHostSilent, and what it says."""
    if (drivers := config.drivers_for(storage_host)) is not None:
        follow(volume_id, drivers)
        return
    if not hosts.is_up(storage_host):
        raise StorageHostDown("The host that has the volume is down.", details=f"the host {storage_host}")
    parts = ("volumes", str(volume_id), "exports")
    try:
        status, body = agents.request(
            host=storage_host, parts=parts, method="POST", limit=ERROR_BYTES, timeout_seconds=ASK_SECONDS
        )
    except agents.AgentSilent as error:
        raise StorageHostSilent(
            "The host that has the volume does not answer.", details=f"the host {storage_host}: {error}"
        ) from error
    if status != http.HTTPStatus.OK:
        details = body.decode("utf-8", "replace")
        details = f"the host {storage_host}: {status} {details}"
        raise StorageHostSilent("The volume's host could not open it.", details=details)


def tell_guests(host: str, volume_id: uuid.UUID) -> None:
    """Have a host look after its guests that have the volume: it is larger, or back. One that is not reached does so in
    its recovery.
    """
    parts = ("volumes", str(volume_id), "guests")
    with contextlib.suppress(agents.AgentSilent):  # logged there
        agents.request(host=host, parts=parts, method="POST", limit=0, timeout_seconds=TELL_SECONDS)


def tell_guests_of(volume_id: uuid.UUID, *, but: str) -> None:
    """The same with all other hosts that have the volume, from the host ``but`` or by themselves."""
    hosts_told = {row.host for row in selectors.of_volume(volume_id=volume_id, storage_host=but)}
    hosts_told |= {row.host for row in attachments.of_volume(volume_id=volume_id) if row.host not in ("", but)}
    for host in sorted(hosts_told):
        tell_guests(host, volume_id)


def follow(volume_id: uuid.UUID, drivers: HostDrivers) -> None:
    """On the volume's host: close what has no row, open what has one. An error is written to its row."""
    with config.subjects.hold(f"{drivers.host} exports {volume_id}", ASK_SECONDS):
        rows = {f"e{row.name}": row for row in selectors.of_volume(volume_id=volume_id, storage_host=drivers.host)}
        for export in drivers.volume.list_exports():
            is_ours = export.volume_id == str(volume_id) and export.listening is not None
            if is_ours and export.name not in rows:
                for pool in drivers.volume.backends().values() or (drivers.volume,):  # while it moves, two may have it
                    pool.close_export(str(volume_id), export.name)
        for row in rows.values():
            try:
                _open(row, drivers)
            except (DriverError, NoPortLeft) as error:
                log.warning("export not opened", volume=str(volume_id), host=row.host, error=error.message)
                exports.mark_failed(export=row, message=error.message)


def _open(row: "Export", drivers: HostDrivers) -> None:
    first, last = (int(port) for port in settings.VOLUME_PORTS.split("-"))
    taken: list[int] = []
    while True:
        port = exports.give_port(
            export=row, address=settings.VOLUME_ADDRESS, ports=range(first, last + 1), without=taken
        )
        try:
            pool = drivers.volume.backends().get(row.attachment.backend, drivers.volume)
            pool.open_export(str(row.attachment.volume_id), spec_of(row, port))
        except PortTaken:
            taken.append(port)
            if len(taken) == PORTS_TRIED:
                raise
        else:
            break
    if row.opened_at is None or row.error:
        exports.mark_open(export=row)


def spec_of(row: "Export", port: int) -> ExportSpec:
    attachment = row.attachment
    return ExportSpec(
        name=f"e{row.name}",
        readonly=attachment.mode == states.READ_ONLY,
        owner=str(attachment.id),
        listening=Listening(client=row.host, address=row.address, port=port),
    )
