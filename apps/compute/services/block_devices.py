"""A server's local disks (root, ephemeral, swap) as rows, with their names in the guest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apps.compute import image_properties
from apps.compute.models import BlockDevice, Server

Kind = Literal["root", "ephemeral", "swap"]


@dataclass(frozen=True, slots=True)
class RequestedDisk:
    """``size`` in GiB (MiB for swap). ``bus`` "": the image's."""

    kind: Kind
    size: int
    bus: str = ""
    tag: str = ""


def make(server: Server, disks: Sequence[RequestedDisk]) -> list[BlockDevice]:
    """Return the rows, not written, under the names that ``map_block_devices`` finds right."""
    devices = [
        BlockDevice(server=server, kind=disk.kind, position=index, size=disk.size, bus=disk.bus, tag=disk.tag)
        for index, disk in enumerate(disks)
    ]
    for device, name in zip(devices, names(devices, server.image_properties), strict=True):
        device.device = name
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
