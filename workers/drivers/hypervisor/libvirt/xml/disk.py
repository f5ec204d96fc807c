"""<disk>: where a disk's bytes are, in which format, and how the guest sees it."""

# ruff: noqa: RUF009  (fields are declared by calls that return dataclasses.field)

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workers.drivers.hypervisor.libvirt.xml.element import Element, attribute, child, leaf


@dataclass(frozen=True, slots=True)
class Seclabel(Element):
    """<seclabel> of a file that libvirt must not give to the guest's user: the shared, read-only image."""

    tag: ClassVar[str] = "seclabel"
    model: Literal["dac"] = attribute("model", default="dac")
    relabel: bool = attribute("relabel", default=False)


@dataclass(frozen=True, slots=True)
class Source(Element):
    """<source>: a file."""

    tag: ClassVar[str] = "source"
    file: str = attribute("file")
    seclabel: Seclabel | None = child(default=None)


@dataclass(frozen=True, slots=True)
class SocketHost(Element):
    """<host> of an export: a unix socket of the same machine."""

    tag: ClassVar[str] = "host"
    socket: str = attribute("socket")
    transport: Literal["unix"] = attribute("transport", default="unix")


@dataclass(frozen=True, slots=True)
class Slice(Element):
    """<slice>: how many bytes of a source are the disk."""

    tag: ClassVar[str] = "slice"
    size: int = attribute("size")
    offset: int = attribute("offset", default=0)
    type: Literal["storage"] = attribute("type", default="storage")


@dataclass(frozen=True, slots=True)
class Slices(Element):
    """<slices> of a source."""

    tag: ClassVar[str] = "slices"
    storage: Slice = child()


@dataclass(frozen=True, slots=True)
class Passphrase(Element):
    """<secret>: the hypervisor's name for a passphrase."""

    tag: ClassVar[str] = "secret"
    uuid: str = attribute("uuid")
    type: Literal["passphrase"] = attribute("type", default="passphrase")


@dataclass(frozen=True, slots=True)
class Encryption(Element):
    """<encryption>: the volume is a LUKS container, which QEMU opens."""

    tag: ClassVar[str] = "encryption"
    secret: Passphrase = child()
    format: Literal["luks"] = attribute("format", default="luks")


@dataclass(frozen=True, slots=True)
class NetworkSource(Element):
    """<source>: an export, by its name."""

    tag: ClassVar[str] = "source"
    name: str = attribute("name")
    host: SocketHost = child()
    slices: Slices | None = child(default=None)
    encryption: Encryption | None = child(default=None)
    protocol: Literal["nbd"] = attribute("protocol", default="nbd")


@dataclass(frozen=True, slots=True)
class MonitorHost(Element):
    """<host> of a cluster: a monitor."""

    tag: ClassVar[str] = "host"
    name: str = attribute("name")
    port: str = attribute("port")


@dataclass(frozen=True, slots=True)
class Secret(Element):
    """<secret>: the hypervisor's name for a key."""

    tag: ClassVar[str] = "secret"
    uuid: str = attribute("uuid")
    type: Literal["ceph"] = attribute("type", default="ceph")


@dataclass(frozen=True, slots=True)
class Auth(Element):
    """<auth> of a disk in a cluster."""

    tag: ClassVar[str] = "auth"
    username: str = attribute("username")
    secret: Secret = child()


@dataclass(frozen=True, slots=True)
class ClusterVolume(Element):
    """<source>: an image of a Ceph pool, as "pool/image"."""

    tag: ClassVar[str] = "source"
    name: str = attribute("name")
    hosts: tuple[MonitorHost, ...] = child(default=())
    auth: Auth | None = child(default=None)
    slices: Slices | None = child(default=None)
    encryption: Encryption | None = child(default=None)
    protocol: Literal["rbd"] = attribute("protocol", default="rbd")


@dataclass(frozen=True, slots=True)
class Format(Element):
    """<format> of a backing file."""

    tag: ClassVar[str] = "format"
    type: str = attribute("type")


@dataclass(frozen=True, slots=True)
class BackingStore(Element):
    """<backingStore>: empty, it ends the chain, so that QEMU never reads a header that a guest wrote."""

    tag: ClassVar[str] = "backingStore"
    type: Literal["file"] | None = attribute("type", default=None)
    format: Format | None = child(default=None)
    source: Source | None = child(default=None)
    below: BackingStore | None = child(default=None)


@dataclass(frozen=True, slots=True)
class DiskDriver(Element):
    """<driver> of a disk: the format is always said."""

    tag: ClassVar[str] = "driver"
    name: Literal["qemu"] = attribute("name", default="qemu")
    type: str = attribute("type", default="raw")
    cache: str | None = attribute("cache", default=None)
    error_policy: Literal["stop"] | None = attribute("error_policy", default=None)
    rerror_policy: Literal["stop"] | None = attribute("rerror_policy", default=None)
    discard: Literal["unmap"] | None = attribute("discard", default=None)
    packed: Literal["on"] | None = attribute("packed", default=None)


@dataclass(frozen=True, slots=True)
class DiskTarget(Element):
    """<target> of a disk: its name and bus in the guest."""

    tag: ClassVar[str] = "target"
    dev: str = attribute("dev")
    bus: Literal["virtio", "scsi", "sata", "ide", "usb"] = attribute("bus")


@dataclass(frozen=True, slots=True)
class BootOrder(Element):
    """<boot> of a device: counts from 1."""

    tag: ClassVar[str] = "boot"
    order: int = attribute("order")


@dataclass(frozen=True, slots=True)
class Readonly(Element):
    """<readonly>."""

    tag: ClassVar[str] = "readonly"


@dataclass(frozen=True, slots=True)
class Iotune(Element):
    """<iotune>: limits of a disk. The peaks (_max) need the limit that they are of."""

    tag: ClassVar[str] = "iotune"
    total_bytes_sec: int | None = leaf("total_bytes_sec", default=None)
    read_bytes_sec: int | None = leaf("read_bytes_sec", default=None)
    write_bytes_sec: int | None = leaf("write_bytes_sec", default=None)
    total_iops_sec: int | None = leaf("total_iops_sec", default=None)
    read_iops_sec: int | None = leaf("read_iops_sec", default=None)
    write_iops_sec: int | None = leaf("write_iops_sec", default=None)
    total_bytes_sec_max: int | None = leaf("total_bytes_sec_max", default=None)
    read_bytes_sec_max: int | None = leaf("read_bytes_sec_max", default=None)
    write_bytes_sec_max: int | None = leaf("write_bytes_sec_max", default=None)
    total_iops_sec_max: int | None = leaf("total_iops_sec_max", default=None)
    read_iops_sec_max: int | None = leaf("read_iops_sec_max", default=None)
    write_iops_sec_max: int | None = leaf("write_iops_sec_max", default=None)
    size_iops_sec: int | None = leaf("size_iops_sec", default=None)


@dataclass(frozen=True, slots=True)
class Disk(Element):
    """<disk>."""

    tag: ClassVar[str] = "disk"
    type: Literal["file", "network"] = attribute("type", default="file")
    device: Literal["disk", "cdrom"] = attribute("device", default="disk")
    driver: DiskDriver = child(default=DiskDriver())
    source: Source | NetworkSource | ClusterVolume | None = child(default=None)
    backing: BackingStore = child(default=BackingStore())
    target: DiskTarget | None = child(default=None)
    iotune: Iotune | None = child(default=None)
    readonly: Readonly | None = child(default=None)
    serial: str | None = leaf("serial", default=None)
    boot: BootOrder | None = child(default=None)
