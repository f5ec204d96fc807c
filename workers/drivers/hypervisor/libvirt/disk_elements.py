"""The XML elements of a server's disks: files, volumes behind an export, and volumes in a cluster."""

from __future__ import annotations

from typing import Any, Literal

from workers.drivers.errors import SpecInvalid
from workers.drivers.hypervisor.base import Bus, ClusterSource, DiskSpec, ExportSource
from workers.drivers.hypervisor.libvirt.xml import disk

DiskCache = Literal["none", "writeback", "writethrough"]
_BUSES: dict[str, Bus] = {"vd": "virtio", "sd": "scsi", "hd": "ide"}
# Which names a bus gives its disks.
_PREFIXES: dict[Bus, str] = {"virtio": "vd", "scsi": "sd", "sata": "sd", "ide": "hd", "usb": "sd"}


def bus_of(spec: DiskSpec) -> Bus:
    """virtio for vdX, virtio-scsi for sdX: both are in every cloud image's kernel (AHCI is not); IDE for hdX."""
    bus = spec.bus or _BUSES.get(spec.target[:2])
    wrong_name = bus is None or not spec.target.startswith(_PREFIXES[bus])
    if bus is None or wrong_name or (bus == "virtio" and spec.device == "cdrom"):
        raise SpecInvalid(f"a {spec.device} cannot be {spec.target}")
    return bus


def disk_device(spec: DiskSpec, cache: DiskCache, *, part: int | None = None) -> disk.Disk:
    """Return the element of a disk. ``cache`` is that of the host's files which guests may write. ``part``: how many
    bytes of a volume are the disk, if not all.
    """
    if spec.export is not None:
        return _volume(spec, spec.export, part)
    readonly = spec.readonly or spec.device == "cdrom" or spec.format == "iso"
    return disk.Disk(
        device=spec.device,
        driver=disk.DiskDriver(
            type="raw" if spec.format == "iso" else spec.format,
            cache=None if readonly else cache,
            discard=None if readonly else "unmap",
        ),
        source=disk.Source(file=spec.path),
        backing=_backing(spec),
        target=disk.DiskTarget(dev=spec.target, bus=bus_of(spec)),
        iotune=disk.Iotune(**dict(spec.limits)) if spec.limits else None,
        readonly=disk.Readonly() if readonly else None,
        serial=spec.serial,
        boot=disk.BootOrder(spec.boot_index) if spec.boot_index is not None else None,
    )


def opens(element: Any, export: ExportSource | ClusterSource) -> bool:
    """Say whether a disk's element, of a domain's description, opens this volume."""
    wanted, source = _source(export, None), element.find("source")
    if source is None or (source.get("protocol"), source.get("name")) != (wanted.protocol, wanted.name):
        return False
    host = source.find("host")
    return not isinstance(export, ExportSource) or (host is not None and host.get("socket") == export.socket)


def _source(
    export: ExportSource | ClusterSource, key: str | None, part: int | None = None
) -> disk.NetworkSource | disk.ClusterVolume:
    """``key``: the name of the volume's passphrase, if it is encrypted."""
    slices = disk.Slices(disk.Slice(part)) if part is not None else None
    encryption = disk.Encryption(disk.Passphrase(key)) if key is not None else None
    if isinstance(export, ExportSource):
        host = disk.SocketHost(socket=export.socket)
        return disk.NetworkSource(name=export.name, host=host, slices=slices, encryption=encryption)
    monitors = (address.rpartition(":") for address in export.monitors)
    return disk.ClusterVolume(
        name=f"{export.pool}/{export.image}",
        hosts=tuple(disk.MonitorHost(host.strip("[]"), port) for host, _, port in monitors),
        auth=disk.Auth(export.user, disk.Secret(export.secret)),
        slices=slices,
        encryption=encryption,
    )


def _volume(spec: DiskSpec, export: ExportSource | ClusterSource, part: int | None) -> disk.Disk:
    """A volume, or a disk of a server in a cluster. When its export fails the guest is paused before it sees an error;
    the agent lets it go on.

    One in a cluster has the cache of librbd, which is flushed when the guest flushes, and known to migration.
    """
    readonly = spec.readonly or spec.device == "cdrom"
    return disk.Disk(
        type="network",
        device=spec.device,
        driver=disk.DiskDriver(
            cache="none" if isinstance(export, ExportSource) else "writeback",
            error_policy="stop",
            rerror_policy="stop",
            discard=None if spec.device == "cdrom" else "unmap",
        ),
        source=_source(export, spec.key or None, part),
        target=disk.DiskTarget(dev=spec.target, bus=bus_of(spec)),
        iotune=disk.Iotune(**dict(spec.limits)) if spec.limits else None,
        readonly=disk.Readonly() if readonly else None,
        serial=spec.serial,
        boot=disk.BootOrder(spec.boot_index) if spec.boot_index is not None else None,
    )


def _backing(spec: DiskSpec) -> disk.BackingStore:
    if spec.backing is None:
        return disk.BackingStore()
    # The image is shared by all guests whose disks are based on it: none may own it. So libvirt does not relabel it.
    return disk.BackingStore(
        type="file",
        format=disk.Format(spec.backing.format),
        source=disk.Source(file=spec.backing.path, seclabel=disk.Seclabel()),
        below=disk.BackingStore(),
    )
