"""A server's disks as rows, with their names in the guest: local ones (root, ephemeral, swap) and volumes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apps.compute import exceptions, image_properties
from apps.compute.models import BlockDevice, Server

Kind = Literal["root", "ephemeral", "swap"]
MAX_DISKS = 24  # letters a to x; the config drive has a letter behind them
_LETTERS = "abcdefghijklmnopqrstuvwx"


@dataclass(frozen=True, slots=True)
class RequestedDisk:
    """``size`` in GiB (MiB for swap). ``bus`` "": the image's."""

    kind: Kind
    size: int
    bus: str = ""
    tag: str = ""


def make(server: Server, disks: Sequence[RequestedDisk], volumes: Sequence[BlockDevice] = ()) -> list[BlockDevice]:
    """Return the rows, not written, under the names that ``map_block_devices`` finds right: the root disk first."""
    local = [BlockDevice(server=server, kind=disk.kind, size=disk.size, bus=disk.bus, tag=disk.tag) for disk in disks]
    root = [row for row in volumes if row.is_root]
    devices = [*root, *local, *(row for row in volumes if not row.is_root)]
    for position, name in enumerate(names(devices, server.image_properties)):
        devices[position].position, devices[position].device = position, name
    return devices


def names(devices: Sequence[BlockDevice], properties: Mapping[str, str]) -> list[str]:
    """Return each device's name in the guest: vda, vdb on virtio, sda on SCSI and SATA, hda on IDE."""
    usual = image_properties.disk_bus(properties)
    taken: Counter[str] = Counter()
    assigned = []
    for device in devices:
        prefix = image_properties.disk_prefix(device.bus or usual)
        assigned.append(f"{prefix}{chr(ord('a') + taken[prefix])}")
        taken[prefix] += 1
    return assigned


def free_name(devices: Iterable[BlockDevice], properties: Mapping[str, str], bus: str = "") -> str:
    """Return the first name that no device has. Raises TooManyDisks (403)."""
    prefix = image_properties.disk_prefix(bus or image_properties.disk_bus(properties))
    taken = {device.device for device in devices}
    name = next((f"{prefix}{letter}" for letter in _LETTERS if f"{prefix}{letter}" not in taken), None)
    if name is None or len(taken) >= MAX_DISKS:
        raise exceptions.TooManyDisks(allowed=MAX_DISKS)
    return name
