"""Rows of volumes and attachments as specs: of the pool that has the volume, and of the server that gets the disk."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from django.conf import settings

from apps.volumes import states
from apps.volumes.selectors import attachments as selectors
from apps.volumes.selectors import exports as export_selectors
from apps.volumes.selectors import pools, qos_specs
from apps.volumes.services import exports as services
from apps.volumes.services import volume_states
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import Bus, ClusterSource, DiskSpec, ExportSource, PowerState
from workers.drivers.volume.base import Export, ExportSpec, GuestDisk, VolumeDriver, VolumeSpec
from workers.drivers.volume.errors import PoolUnavailable, VolumeInUse
from workers.mapping import exports, volume_keys

if TYPE_CHECKING:
    from apps.volumes.models import Attachment, Volume

_OPEN = (states.ATTACHING, states.ATTACHED, states.DETACHING)


def volume_spec(volume: "Volume", *, backend: str = "", form: str = "") -> VolumeSpec:
    """Return the volume as its row says; on another back end, or in another format, where they are given."""
    kept: Literal["raw", "qcow2"] = "raw" if (form or volume.format) == "raw" else "qcow2"
    header = volume_keys.header_of(volume)
    return VolumeSpec(str(volume.id), volume.size, kept, backend or volume.backend, header)


def export_spec(attachment: "Attachment") -> ExportSpec:
    """Return an attachment's export on the volume's own host. Its name begins with a letter, as QEMU wants it."""
    readonly = attachment.mode == states.READ_ONLY
    return ExportSpec(name=f"e{attachment.export}", readonly=readonly, owner=str(attachment.id))


def disk_spec(
    attachment: "Attachment", export: Export, *, bus: Bus | None = None, boot_index: int | None = None
) -> DiskSpec:
    """Return the disk that the server has of an open export. ``device`` of the attachment is its name: /dev/vdb."""
    return DiskSpec(
        target=attachment.device.rpartition("/")[2],
        path="",
        format="raw",
        serial=serial_of(attachment),
        boot_index=boot_index,
        readonly=attachment.mode == states.READ_ONLY,
        bus=bus,
        export=source_of(export),
        key=str(attachment.volume_id) if attachment.volume.encrypted else "",
        limits=tuple(sorted((attachment.connection_info.get("qos_specs") or {}).items())),
    )


def limits_of(volume: "Volume") -> tuple[tuple[str, int], ...]:
    """Return how the type of a volume that no server has yet limits its disk."""
    return tuple(sorted((qos_specs.limits_of(volume.volume_type, size=volume.size) or {}).items()))


def serial_of(attachment: "Attachment") -> str:
    """Return by which serial number the guest knows the disk: a volume's ID, also after another took its place."""
    return attachment.serial or str(attachment.volume_id)


def is_opened_as(attachment: "Attachment", name: str) -> bool:
    """Return whether this is the name by which a guest's disk opens the attachment's volume. 1 query, or none."""
    if is_direct(attachment):
        pool, _, image = name.partition("/")
        return pool == settings.VOLUME_BACKENDS[attachment.backend]["path"] and image.endswith(
            str(attachment.volume_id)
        )
    return name == export_spec(attachment).name or name in {
        f"e{row.name}" for row in export_selectors.all_of_attachment(attachment_id=attachment.id)
    }


def source_of(export: Export) -> ExportSource | ClusterSource:
    """Return what QEMU opens."""
    if export.direct is not None:
        return cluster_source(export.direct)
    return ExportSource(export.socket, export.name)


def cluster_source(it: GuestDisk) -> ClusterSource:
    """Return an image of a cluster as QEMU opens it."""
    return ClusterSource(it.pool, it.image, it.monitors, it.user, it.secret, it.key)


def of_server(server_id: uuid.UUID) -> Sequence["Attachment"]:
    """Return the attachments of a server that its host has open, with their volumes. 1 query."""
    rows = selectors.of_servers(server_ids=[server_id]).get(server_id, [])
    return [row for row in rows if row.by_compute and row.status in _OPEN]


def open_on_host(volume_id: uuid.UUID, host: str) -> Sequence["Attachment"]:
    """Return the attachments of a volume to servers of a host, which the compute service made. 1 query."""
    rows = selectors.of_volume(volume_id=volume_id)
    return [row for row in rows if row.by_compute and row.host == host and row.server_id and row.status in _OPEN]


def pool_of(attachment: "Attachment", drivers: HostDrivers) -> VolumeDriver:
    """Return the driver of the pool that has the attachment's data: while a volume moves, two have it."""
    return drivers.volume.backends().get(attachment.backend, drivers.volume)


def is_elsewhere(attachment: "Attachment", host: str) -> bool:
    """Return whether the attachment's volume is used by way of another host."""
    return attachment.storage_host not in ("", host) and not is_direct(attachment)


def is_direct(attachment: "Attachment") -> bool:
    """Return whether guests of every host use the attachment's volume without an export."""
    return pools.is_direct(attachment.backend)


def connect(attachment: "Attachment", drivers: HostDrivers, *, alone: bool = False) -> Export:
    """Have the attachment's volume on a socket of this host, wherever its data is. Repeated, it gives the same.

    The hypervisor gets the key of one that is encrypted, if a server is to have it. ``alone``: no other host is to have
    it by this attachment any more. Raises what the driver, or the volume's host, says, and KeyUnavailable.
    """
    if attachment.volume.encrypted and attachment.server_id is not None:
        key = volume_keys.of_volume(attachment.volume_id)
        drivers.hypervisor.keep_key(str(attachment.volume_id), key.passphrase)
    return _connect(attachment, drivers, alone)


def _connect(attachment: "Attachment", drivers: HostDrivers, alone: bool) -> Export:
    if is_direct(attachment):
        if alone and not _is_plugged(attachment, drivers):
            fence(attachment, drivers)
        disk = pool_of(attachment, drivers).guest_disk(str(attachment.volume_id))
        return Export(str(attachment.volume_id), export_spec(attachment).name, "", direct=disk)
    if alone and is_elsewhere(attachment, drivers.host):
        _come_here(attachment, drivers)
    if not is_elsewhere(attachment, drivers.host):
        return _open(attachment, drivers, alone)
    remote = exports.open_for(attachment, drivers.host, alone=alone)
    try:
        return drivers.volume.connect(remote)
    except PoolUnavailable:  # the volume's host may have lost the export
        exports.check(attachment, drivers.host)
        return drivers.volume.connect(exports.open_for(attachment, drivers.host))


def fence(attachment: "Attachment", drivers: HostDrivers, *, lost: str = "") -> None:
    """Let no guest write to the attachment's volume that has it still: its host was out of reach when it was freed.

    Hosts of other attachments keep it, but not ``lost``.
    """
    rows = selectors.of_volume(volume_id=attachment.volume_id)
    keep = {row.host for row in rows if row.id != attachment.id and row.host not in ("", lost)}
    pool_of(attachment, drivers).fence(str(attachment.volume_id), sorted(keep))


def _is_plugged(attachment: "Attachment", drivers: HostDrivers) -> bool:
    """Return whether the attachment's guest is on here, with the volume."""
    key = str(attachment.server_id)
    info = drivers.hypervisor.info(key)
    is_on = info is not None and info.power_state in (PowerState.RUNNING, PowerState.PAUSED)
    return is_on and is_opened_as(attachment, drivers.hypervisor.disk_source(key, serial_of(attachment)))


def _come_here(attachment: "Attachment", drivers: HostDrivers) -> None:
    """Of a shared pool, this host exports the volume itself, unless another one does already."""
    volume = attachment.volume
    driver = drivers.volume.backends().get(volume.backend)
    is_shared = driver is not None and driver.capabilities.shared
    if is_shared and volume_states.rehome(volume_id=volume.id, host=drivers.host, attachment_id=attachment.id):
        volume.host = drivers.host


def _open(attachment: "Attachment", drivers: HostDrivers, alone: bool) -> Export:
    volume_id, spec = attachment.volume_id, export_spec(attachment)
    if alone and services.forget(attachment_id=attachment.id):
        exports.follow(volume_id, drivers)
    try:
        return pool_of(attachment, drivers).open_export(str(volume_id), spec)
    except VolumeInUse:  # by an export that was given up, maybe, of which this host was not told
        exports.follow(volume_id, drivers)
        return pool_of(attachment, drivers).open_export(str(volume_id), spec)


@contextmanager
def exported(attachment: "Attachment", drivers: HostDrivers) -> Iterator[Export]:
    """Have the attachment's volume on a socket of this host alone, for the host's own work: no guest has it meanwhile.

    What guests use without an export gets one for the block; one that is left is closed by ``end_export``.
    """
    export = connect(attachment, drivers, alone=True)
    if not is_direct(attachment):
        yield export
        return
    try:
        yield pool_of(attachment, drivers).open_export(str(attachment.volume_id), export_spec(attachment))
    finally:
        end_export(attachment, drivers)


def end_export(attachment: "Attachment", drivers: HostDrivers) -> None:
    """Close what ``exported`` of a process that was killed has left."""
    if is_direct(attachment):
        pool_of(attachment, drivers).close_export(str(attachment.volume_id), export_spec(attachment).name)


def connect_all(server_id: uuid.UUID, drivers: HostDrivers) -> None:
    """Have the volumes of a server on its host."""
    for attachment in of_server(server_id):
        connect(attachment, drivers)


def disconnect(attachment: "Attachment", drivers: HostDrivers) -> None:
    """Take the attachment's volume from this host. Absent is success.

    A volume's host that is out of reach ends its part in its recovery.
    """
    if attachment.volume.encrypted and attachment.server_id is not None:
        drivers.hypervisor.forget_key(str(attachment.volume_id))
    if is_direct(attachment):
        return
    if is_elsewhere(attachment, drivers.host):
        drivers.volume.disconnect(str(attachment.id))
        exports.close_for(attachment, drivers.host)
    else:
        pool_of(attachment, drivers).close_export(str(attachment.volume_id), export_spec(attachment).name)
