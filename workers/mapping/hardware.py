"""Maps the hardware properties of image and flavor to the hypervisor's values. Values were checked at the API."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from apps.compute import image_properties
from workers.drivers.hypervisor.base import Bus, CardModel, DiskSpec, Hardware

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Server

_MAX_QUEUES = 8


def of_server(server: "Server", disks: Sequence[DiskSpec]) -> Hardware:
    """Return the machine around disks and cards. Older images may have invalid values, which are ignored."""
    asked = server.image_properties
    machine = "pc" if any(disk.bus == "ide" for disk in disks) else _one_of(asked, "hw_machine_type", ("q35", "pc"))
    watchdog = server.flavor.get("extra_specs", {}).get("hw:watchdog_action") or asked.get("hw_watchdog_action")
    return Hardware(
        machine=cast(Any, machine or None),
        firmware="uefi" if asked.get("hw_firmware_type") == "uefi" else "bios",
        video=cast(Any, _one_of(asked, "hw_video_model", ("vga", "virtio", "cirrus", "bochs", "none")) or "vga"),
        watchdog=watchdog if watchdog in ("reset", "poweroff", "pause", "none") else None,
        boot_menu=image_properties.truth(asked.get("hw_boot_menu", "")),
        guest_agent=image_properties.has_guest_agent(asked),
        local_time=asked.get("os_type") == "windows",
        topology=image_properties.topology(asked, int(server.flavor["vcpus"])),
    )


def bus_of(server: "Server", device: "BlockDevice | None" = None) -> Bus:
    """Return the bus of a disk, or of the server's disks in general."""
    bus = getattr(device, "bus", "") or image_properties.disk_bus(server.image_properties)
    return cast(Bus, bus if bus in ("virtio", "scsi", "sata", "ide") else "virtio")


def card_of(server: "Server") -> CardModel:
    """Return the network cards' model."""
    return cast(
        CardModel,
        _one_of(server.image_properties, "hw_vif_model", ("virtio", "e1000", "e1000e", "rtl8139")) or "virtio",
    )


def queues_of(server: "Server") -> int:
    """Return the pairs of queues of a card: one for each processor where the image asks for several."""
    wanted = image_properties.truth(server.image_properties.get("hw_vif_multiqueue_enabled", ""))
    return min(int(server.flavor["vcpus"]), _MAX_QUEUES) if wanted and card_of(server) == "virtio" else 1


def _one_of(asked: Any, name: str, known: tuple[str, ...]) -> str:
    value = asked.get(name, "")
    return str(value) if value in known else ""
