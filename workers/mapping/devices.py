"""``devices`` of meta_data.json: by which tag a guest knows which of its disks and cards."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from workers.drivers.hypervisor.base import DiskSpec
from workers.drivers.network.base import PortSpec
from workers.system import files
from workers.system.paths import HostPaths

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Server

NO_ADDRESS = "none"  # Nova's word


def of_server(
    server: "Server",
    rows: "Sequence[BlockDevice]",
    disks: Sequence[DiskSpec],
    ports: Sequence[PortSpec],
    addresses: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the tagged cards and disks, as Nova does. A guest finds a disk by its serial, a card by its MAC address.

    ``addresses`` are PCI addresses by disk target and by MAC. As in Nova, disks on other buses have none.
    """
    wanted = server.requested_networks or []
    tags = [interface.get("tag") for interface in wanted]
    cards = [
        {
            "type": "nic",
            "bus": "pci",
            "address": addresses.get(port.mac, NO_ADDRESS),
            "mac": port.mac,
            "tags": [tag],
        }
        for port, tag in zip(ports, tags, strict=False)
        if tag
    ]
    return [*cards, *(_disk(row, disk, addresses) for row, disk in zip(rows, disks, strict=True) if row.tag)]


def has_tags(server: "Server", rows: "Sequence[BlockDevice]") -> bool:
    """Return whether the metadata lists any device."""
    return any(row.tag for row in rows) or any(interface.get("tag") for interface in server.requested_networks or [])


def record(paths: HostPaths, server_id: str, tagged: Sequence[Mapping[str, Any]]) -> None:
    """Note a server's tagged devices where the host's metadata process finds them."""
    path = paths.devices(server_id)
    if path.parent.is_dir():  # simulated hosts have none
        files.write(path, orjson.dumps(tagged))


def _disk(row: "BlockDevice", disk: DiskSpec, addresses: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "disk",
        "bus": "pci" if disk.bus in ("virtio", None) else disk.bus,
        "address": addresses.get(disk.target, NO_ADDRESS),
        "serial": disk.serial,
        "path": f"/dev/{disk.target}",
        "tags": [row.tag],
    }


def serial_of(row: "BlockDevice") -> str:
    """Return a disk's serial number: as much of its id as virtio carries."""
    return str(row.id.hex[:20])
