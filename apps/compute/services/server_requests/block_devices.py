"""The disks that a request for a server asks for, within the sizes of its flavor."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.common.exceptions import BadRequest
from apps.compute import image_properties
from apps.compute.models import Flavor
from apps.compute.services.block_devices import MAX_DISKS, Kind, RequestedDisk

FIELD = "Invalid input for field/attribute block_device_mapping_v2"
MAX_IDE = 3  # of four: the config drive has the last


def names_volumes(values: Mapping[str, Any]) -> bool:
    return any(row["destination_type"] == "volume" for row in values.get("block_device_mapping_v2") or [])


def boots_from_volume(values: Mapping[str, Any]) -> bool:
    """Whether a mapping of the request makes a volume the root disk."""
    mappings = values.get("block_device_mapping_v2") or []
    return any(row["destination_type"] == "volume" and row.get("boot_index") == 0 for row in mappings)


def resolve(
    values: Mapping[str, Any],
    flavor: Flavor,
    properties: Mapping[str, str],
    *,
    has_root_volume: bool,
    is_disc: bool = False,
) -> list[RequestedDisk]:
    """Return the local disks in their order: root, ephemeral disks, swap. Blank disks replace those that the flavor
    gives. Without a root disk where that is a volume. ``is_disc``: the image is a disc, and so is the root disk.

    Raises BadRequest (400) for more than the flavor allows: allocation and quota count the flavor's sizes.
    """
    everything = values.get("block_device_mapping_v2") or []
    mappings = [mapping for mapping in everything if mapping["destination_type"] == "local"]
    blank = [mapping for mapping in mappings if mapping["source_type"] == "blank"]
    swaps = [_disk("swap", disk, flavor.swap_mib) for disk in blank if disk.get("guest_format") == "swap"]
    others = [_disk("ephemeral", disk, flavor.ephemeral_gib) for disk in blank if disk.get("guest_format") != "swap"]
    _check_sizes(others, swaps, flavor)
    if not others and flavor.ephemeral_gib:
        others = [RequestedDisk("ephemeral", flavor.ephemeral_gib)]
    if not swaps and flavor.swap_mib:
        swaps = [RequestedDisk("swap", flavor.swap_mib)]
    root = [] if has_root_volume else [_root(mappings, flavor)]
    if root and is_disc:
        root = [replace(root[0], bus=root[0].bus or image_properties.disc_bus(properties))]
    disks = [*root, *others, *swaps]
    _check_buses(
        [disk.bus for disk in disks]
        + [_bus_of_volume(row, properties) for row in everything if row["destination_type"] == "volume"],
        properties,
    )
    return disks


def _bus_of_volume(mapping: Mapping[str, Any], properties: Mapping[str, str]) -> str:
    is_disc = mapping.get("device_type") == "cdrom"
    return mapping.get("disk_bus") or (image_properties.disc_bus(properties) if is_disc else "")


def check_boot_order(values: Mapping[str, Any]) -> None:
    """Each place in the boot order is taken once, from 0 on (nova/compute/api.py, _validate_bdm)."""
    mappings = values.get("block_device_mapping_v2") or []
    order = sorted(index for mapping in mappings if (index := mapping.get("boot_index")) is not None and index >= 0)
    if order and order != list(range(len(order))):
        raise BadRequest(
            "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping "
            "combination is not valid."
        )


def _root(mappings: Sequence[Mapping[str, Any]], flavor: Flavor) -> RequestedDisk:
    images = [mapping for mapping in mappings if mapping["source_type"] == "image"]
    if len(images) > 1:
        raise BadRequest(f"{FIELD}: a server has one local disk made from an image.")
    if images and images[0].get("volume_size") not in (None, flavor.disk_gib):
        raise BadRequest(f"{FIELD}: the size of a local root disk is the flavor's, {flavor.disk_gib} GiB.")
    return _disk("root", images[0], flavor.disk_gib) if images else RequestedDisk("root", flavor.disk_gib)


def _disk(kind: Kind, requested: Mapping[str, Any], usual: int) -> RequestedDisk:
    index = requested.get("boot_index")
    if kind != "root" and index is not None and index >= 0:
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


def _check_buses(wanted: Sequence[str], properties: Mapping[str, str]) -> None:
    buses = Counter(bus or image_properties.disk_bus(properties) for bus in wanted)
    if buses["ide"] and image_properties.board(properties) == "q35":
        raise BadRequest(f"{FIELD}: disk_bus ide needs an image with hw_machine_type=pc.")
    if buses["ide"] > MAX_IDE:
        raise BadRequest(f"{FIELD}: IDE takes {MAX_IDE} disks and the config drive.")
    if len(wanted) > MAX_DISKS:
        raise BadRequest(f"{FIELD}: a server has {MAX_DISKS} disks at most.")
