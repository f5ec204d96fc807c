"""A rescued server's disks: that of the rescue image, and the server's own beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from apps.compute import image_properties
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import Bus, DiskBacking, DiskSpec, ServerSpec
from workers.drivers.storage.base import Disk, ImageSource, ImageSpec
from workers.mapping import boot_files, images, servers

if TYPE_CHECKING:
    from apps.compute.models import Server


def image_of(rescue: Mapping[str, Any]) -> tuple[ImageSpec, ImageSource]:
    """Return the image of a server's ``rescue``, and the source of its data."""
    return images.of_facts(rescue["image_id"], rescue["image_facts"])


def prepare(server: "Server", drivers: HostDrivers) -> ServerSpec:
    """Return the spec of a server that boots from its rescue disk, which is made where it is missing.

    Raises what the storage driver raises.
    """
    spec, rescue = servers.prepare(server, drivers), server.rescue or {}
    cached = drivers.storage.cache_image(*image_of(rescue))
    disk = drivers.storage.create_rescue(str(server.id), cached)
    disks = arrange(spec.disks, _disk(disk, drivers), rescue["image_properties"], server.image_properties)
    # The addresses of tagged devices are those of the server's usual disks.
    return boot_files.of_rescue(replace(spec, disks=disks, on_addresses=None), rescue, drivers)


def arrange(
    disks: Sequence[DiskSpec], made: DiskSpec, properties: Mapping[str, str], own: Mapping[str, str]
) -> tuple[DiskSpec, ...]:
    """Return the disks of a rescue, which boots from the rescue disk alone.

    An image that names a device or a bus is a stable rescue: its disk comes last, and the server's disks keep their
    names. Any other takes the place of the root disk, which is the second then. Formats are as recorded.
    """
    others = [replace(disk, boot_index=None) for disk in disks]
    device, bus = image_properties.rescue_device(properties, own)
    if device is None:
        rescue = replace(made, target=others[0].target, bus=others[0].bus)
        return tuple(_renamed([rescue, *others]))
    prefix, taken = image_properties.disk_prefix(bus), {disk.target for disk in others}
    target = next(
        f"{prefix}{letter}" for letter in image_properties.letters(prefix) if f"{prefix}{letter}" not in taken
    )
    is_disc = device == "cdrom"
    stable = replace(made, target=target, bus=cast(Bus, bus), device=cast(Any, device), readonly=is_disc)
    return (*others, stable)


def _disk(made: Disk, drivers: HostDrivers) -> DiskSpec:
    backing = None
    if made.backing_path and made.backing_format:
        backing = DiskBacking(path=made.backing_path, format=made.backing_format)
    place = servers.place_of(made, drivers)
    return DiskSpec(target="vda", **place, boot_index=1, serial="rescue", backing=backing)


def _renamed(disks: Sequence[DiskSpec]) -> Iterator[DiskSpec]:
    """Give disks the names of their order. The config drive keeps its own, which no disk gets."""
    letters: dict[str, Iterator[str]] = {}
    kept = {disk.target for disk in disks if disk.format == "iso" and disk.device == "cdrom"}
    for disk in disks:
        prefix = disk.target[:-1]
        if disk.target in kept:
            yield disk
        else:
            rest = letters.setdefault(prefix, iter(image_properties.letters(prefix)))
            yield replace(disk, target=next(name for letter in rest if (name := f"{prefix}{letter}") not in kept))
