"""What a server boots by where the host starts its kernel: files beside its disks, made from the image's parts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from workers.config import HostDrivers
from workers.drivers.hypervisor.specs import DirectBoot, ServerSpec
from workers.mapping import images

if TYPE_CHECKING:
    from apps.compute.models import Server

_CONSOLES = "console=tty0 console=ttyS0"  # Nova's, but for hvc0, which no guest here has


def of_server(spec: ServerSpec, server: "Server", drivers: HostDrivers) -> ServerSpec:
    """Return the spec with the kernel of the server's image, whose files are made; the same without one.

    Raises what the storage driver raises.
    """
    return _with_kernel(spec, server.image_facts, server.image_properties, drivers, "root")


def of_rescue(spec: ServerSpec, rescue: Mapping[str, Any], drivers: HostDrivers) -> ServerSpec:
    """The same for the image that the server is rescued with: the kernel is that image's, or none."""
    return _with_kernel(spec, rescue["image_facts"], rescue["image_properties"], drivers, "rescue")


def _with_kernel(
    spec: ServerSpec,
    facts: Mapping[str, Any],
    properties: Mapping[str, str],
    drivers: HostDrivers,
    disk: Literal["root", "rescue"],
) -> ServerSpec:
    paths, storage = {}, drivers.storage
    for part, image, source in images.parts_of(facts):
        made = storage.boot_file(spec.id, f"{disk}-{part}", image.sha512)
        if made is None:  # else the image may be gone
            made = storage.create_boot_file(spec.id, f"{disk}-{part}", storage.cache_file(image, source))
        paths[part] = made
    if "kernel" not in paths:
        return replace(spec, direct_boot=None)
    root = next((item.target for item in spec.disks if item.boot_index == 1), "vda")
    line = properties.get("os_command_line") or f"root=/dev/{root} {_CONSOLES}"
    return replace(spec, direct_boot=DirectBoot(paths["kernel"], paths.get("ramdisk"), line))
