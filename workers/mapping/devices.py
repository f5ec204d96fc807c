"""``devices`` of meta_data.json: by which tag a guest knows which of its disks and cards."""

from collections.abc import Sequence
from typing import Any

from workers.drivers.hypervisor.base import DiskSpec
from workers.drivers.network.base import NetworkSpec, PortSpec

Plugs = list[tuple[NetworkSpec, PortSpec]]


def of_server(server: Any, rows: Sequence[Any], disks: Sequence[DiskSpec], plugs: Plugs) -> list[dict[str, Any]]:
    """Return the tagged cards and disks, as Nova does. A disk is found by its serial number, a card by its MAC address.

    There is no ``address``: a hypervisor chooses where on the bus a device is when it defines the guest, after this.
    """
    wanted = server.requested_networks or []
    tags = [one.get("tag") for one in wanted]
    cards = [
        {"type": "nic", "bus": "pci", "mac": port.mac, "tags": [tag]}
        for (_network, port), tag in zip(plugs, tags, strict=False)
        if tag
    ]
    return [*cards, *(_disk(row, disk) for row, disk in zip(rows, disks, strict=True) if row.tag)]


def _disk(row: Any, disk: DiskSpec) -> dict[str, Any]:
    return {
        "type": "disk",
        "bus": disk.bus,
        "serial": disk.serial,
        "path": f"/dev/{disk.target}",
        "tags": [row.tag],
    }


def serial_of(row: Any) -> str:
    """Return a disk's serial number: as much of its id as virtio carries."""
    return str(row.id.hex[:20])
