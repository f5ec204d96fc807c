"""A new server's local disks: root, ephemeral, swap, as the flavor or ``block_device_mapping_v2`` says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from apps.common.exceptions import BadRequest
from apps.compute import image_properties
from apps.compute.models import BlockDevice, Flavor, Server

Kind = Literal["root", "ephemeral", "swap"]
FIELD = "Invalid input for field/attribute block_device_mapping_v2"
MAX_IDE = 3  # of four: the config drive has the last


@dataclass(frozen=True, slots=True)
class RequestedDisk:
    """``size`` in GiB (MiB for swap). ``bus`` "": the image's."""

    kind: Kind
    size: int
    bus: str = ""
    tag: str = ""


def resolve(
    mappings: Sequence[Mapping[str, Any]], flavor: Flavor, properties: Mapping[str, str]
) -> list[RequestedDisk]:
    """Return the disks in their order: root, ephemeral disks, swap. Blank disks replace those that the flavor gives.

    Raises BadRequest (400) for more than the flavor allows: allocation and quota count the flavor's sizes.
    """
    blank = [one for one in mappings if one["source_type"] == "blank"]
    swaps = [_disk("swap", one, flavor.swap_mib) for one in blank if one.get("guest_format") == "swap"]
    others = [_disk("ephemeral", one, flavor.ephemeral_gib) for one in blank if one.get("guest_format") != "swap"]
    _check_sizes(others, swaps, flavor)
    if not others and flavor.ephemeral_gib:
        others = [RequestedDisk("ephemeral", flavor.ephemeral_gib)]
    if not swaps and flavor.swap_mib:
        swaps = [RequestedDisk("swap", flavor.swap_mib)]
    found = [_root(mappings, flavor), *others, *swaps]
    _check_buses(found, properties)
    return found


def _root(mappings: Sequence[Mapping[str, Any]], flavor: Flavor) -> RequestedDisk:
    images = [one for one in mappings if one["source_type"] == "image"]
    if len(images) > 1:
        raise BadRequest(f"{FIELD}: a server has one local disk made from an image.")
    if images and images[0].get("volume_size") not in (None, flavor.disk_gib):
        raise BadRequest(f"{FIELD}: the size of a local root disk is the flavor's, {flavor.disk_gib} GiB.")
    return _disk("root", images[0], flavor.disk_gib) if images else RequestedDisk("root", flavor.disk_gib)


def _disk(kind: Kind, requested: Mapping[str, Any], usual: int) -> RequestedDisk:
    if kind != "root" and (requested.get("boot_index") or -1) >= 0:
        raise BadRequest(f"{FIELD}: a server cannot boot from a blank disk.")
    size = usual if kind == "root" else requested.get("volume_size") or usual
    return RequestedDisk(kind, size, requested.get("disk_bus") or "", requested.get("tag") or "")


def _check_sizes(ephemerals: Sequence[RequestedDisk], swaps: Sequence[RequestedDisk], flavor: Flavor) -> None:
    if ephemerals and (sum(disk.size for disk in ephemerals) > flavor.ephemeral_gib or not flavor.ephemeral_gib):
        raise BadRequest(
            "Ephemeral disks requested are larger than the instance type allows. If no size is given in one block "
            "device mapping, flavor ephemeral size will be used."
        )
    if len(swaps) > 1:
        raise BadRequest("More than one swap drive requested.")
    if swaps and (swaps[0].size > flavor.swap_mib or not flavor.swap_mib):
        raise BadRequest("Swap drive requested is larger than instance type allows.")


def _check_buses(disks: Sequence[RequestedDisk], properties: Mapping[str, str]) -> None:
    buses = Counter(disk.bus or image_properties.disk_bus(properties) for disk in disks)
    if buses["ide"] and properties.get("hw_machine_type", "pc") != "pc":
        raise BadRequest(f"{FIELD}: disk_bus ide needs an image with hw_machine_type=pc.")
    if buses["ide"] > MAX_IDE:
        raise BadRequest(f"{FIELD}: IDE takes {MAX_IDE} disks and the config drive.")
    if len(disks) > 24:
        raise BadRequest(f"{FIELD}: a server has 24 disks at most.")


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
