"""A server's disks on their way: where they come from, and the sizes that a flavor gives them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.core import signing

from apps.compute.selectors import servers as selectors
from apps.compute.services import block_devices
from apps.scheduling.selectors import hosts
from apps.scheduling.services import agents
from workers.drivers.storage.base import ServerSource, StorageDriver

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice, Migration, Server


def source_of(host: str, server_id: str) -> ServerSource:
    """Return where a server's disks are read, with a signature that is good for a minute."""
    path = f"/hosts/{quote(host, safe='')}/servers/{server_id}/disks"
    headers = {agents.SIGNATURE: signing.TimestampSigner(salt=agents.SALT).sign(path)}
    return ServerSource(host=host, url=hosts.get(name=host).agent_url, path=path, headers=headers)


def is_over(storage: StorageDriver, left: Mapping[str, bool], server_id: str) -> bool:
    """Whether nothing comes back to the disks that a host keeps of a server. ``left``: the servers that may come back
    to the host, and whether they are on it; only in a pool of all hosts disks are kept for one that is elsewhere.
    """
    return not (server_id in left if storage.capabilities.shared else left.get(server_id))


def has_files(server: "Server") -> bool:
    """Whether the server has disks on its host's file system that outlive a stop. 1 query."""
    devices = selectors.block_devices(server_id=server.id)
    return any(device.kind != "swap" and not device.is_volume for device in devices)


def had_files(server: "Server", migration: "Migration") -> bool:
    """The same before a resize. 1 query."""
    return any(device.kind != "swap" and not device.is_volume for device in _before(server, migration))


def drop_disks(storage: StorageDriver, server: "Server", migration: "Migration") -> None:
    """Remove the disks that a server had not before a resize, and swap, which is made again."""
    kept = sum(device.kind == "ephemeral" for device in _before(server, migration))
    there = sum(device.kind == "ephemeral" for device in selectors.block_devices(server_id=server.id))
    for name in ("swap", *(f"ephemeral{number}" for number in range(kept, there))):
        storage.remove_disk(str(server.id), name)


def _before(server: "Server", migration: "Migration") -> "list[BlockDevice]":
    return block_devices.of_flavor(server, selectors.block_devices(server_id=server.id), migration.old_flavor)


def fit_disks(
    storage: StorageDriver, server_id: str, before: "Sequence[BlockDevice]", after: "Sequence[BlockDevice]"
) -> None:
    """Give a server's disks the sizes that they are to have. New ones are made with the guest; swap is made again.

    Repeated, it gives the same.
    """
    known = {device.id: device.size for device in before}
    kept, ephemeral = {device.id for device in after}, 0
    if any(device.kind == "swap" and device.id not in kept for device in before):
        storage.remove_disk(server_id, "swap")
    for device in after:
        if device.kind == "swap" and device.size != known.get(device.id, device.size):
            storage.remove_disk(server_id, "swap")
        elif device.kind == "root" and device.size:
            storage.grow_disk(server_id, "root", device.size)
        elif device.kind == "ephemeral":
            if device.id in known:
                storage.grow_disk(server_id, f"ephemeral{ephemeral}", device.size)
            ephemeral += 1
