"""A server's disks as rows, with their names in the guest: local ones (root, ephemeral, swap) and volumes."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

from apps.compute import exceptions, image_properties
from apps.compute.models import BlockDevice, Server

Kind = Literal["root", "ephemeral", "swap"]
MAX_DISKS = 24


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


def of_flavor(server: Server, devices: Sequence[BlockDevice], flavor: Mapping[str, Any]) -> list[BlockDevice]:
    """Return the disks that the server has with another flavor, not written: called again, the same ones.

    Volumes stay, and so do disks that were asked for with other sizes than the flavor's.
    """
    after = []
    for device in devices:
        row = copy(device)
        if row.kind == "root":
            row.size = int(flavor["disk"]) or row.size
        elif row.kind == "swap":
            row.size = int(flavor["swap"]) if row.size == int(server.flavor["swap"]) else row.size
            row.size = min(row.size, int(flavor["swap"]))
        elif row.kind == "ephemeral" and row.size == int(server.flavor["ephemeral"]):
            row.size = int(flavor["ephemeral"])
        if row.kind not in ("swap", "ephemeral") or row.size:
            after.append(row)
    for kind in ("ephemeral", "swap"):
        if int(flavor[kind]) and not any(device.kind == kind for device in after):
            after.append(_added(server, after, kind, int(flavor[kind])))
    return after


def _added(server: Server, devices: Sequence[BlockDevice], kind: str, size: int) -> BlockDevice:
    return BlockDevice(
        id=uuid.uuid5(server.id, kind),
        server=server,
        kind=kind,
        size=size,
        position=max((device.position for device in devices), default=-1) + 1,
        device=free_name(devices, server.image_properties),
    )


def names(devices: Sequence[BlockDevice], properties: Mapping[str, str]) -> list[str]:
    """Return each device's name in the guest: vda, vdb on virtio, sda on SCSI and SATA, hda on IDE."""
    usual = image_properties.disk_bus(properties)
    taken: Counter[str] = Counter()
    assigned = []
    for device in devices:
        prefix = image_properties.disk_prefix(device.bus or usual)
        assigned.append(f"{prefix}{image_properties.letters(prefix)[taken[prefix]]}")
        taken[prefix] += 1
    return assigned


def free_name(devices: Iterable[BlockDevice], properties: Mapping[str, str], bus: str = "") -> str:
    """Return the first name that no device has. Raises TooManyDisks (403)."""
    prefix = image_properties.disk_prefix(bus or image_properties.disk_bus(properties))
    taken = {device.device for device in devices}
    free = (f"{prefix}{letter}" for letter in image_properties.letters(prefix))
    name = next((name for name in free if name not in taken), None)
    if name is None or len(taken) >= MAX_DISKS:
        raise exceptions.TooManyDisks(allowed=MAX_DISKS)
    return name
