"""Rescues and rebuilds that failed and could not be undone: what is left of them, and how it is ended on its host."""

from typing import TYPE_CHECKING

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_disks
from workers.config import HostDrivers
from workers.mapping import networks, servers

if TYPE_CHECKING:
    from apps.compute.models import Server

DISK = "rescue"


def is_unfinished(server: "Server") -> bool:
    """Whether the guest may run from a rescue disk, or from the disks of before a rebuild, against its row."""
    return bool(server.rebuild == server_disks.APPLIED or (server.rescue and server.vm_state != states.RESCUED))


def finish(server: "Server", drivers: HostDrivers) -> None:
    """End it, under the server's locks. Repeated, it gives the same.

    The next power-on after a rebuild makes the disks of the row's image. A guest that a rescue may have taken from its
    own disk is brought back to it: running if the server is ACTIVE, else off.
    """
    if server.rebuild == server_disks.APPLIED:
        clear(server, drivers)
        server_disks.forget_rebuild(server_id=server.id)
    elif server_disks.has_begun(server.rescue):
        _leave(server, drivers)
    if server.rescue:
        drivers.storage.remove_disk(str(server.id), DISK)
        server_disks.end_rescue(server_id=server.id)


def clear(server: "Server", drivers: HostDrivers) -> None:
    """Destroy the guest and remove its local disks, which the next power-on makes again; its console log stays."""
    key = str(server.id)
    drivers.hypervisor.destroy(key)
    kinds = [row.kind for row in selectors.block_devices(server_id=server.id)]
    ephemeral = [f"ephemeral{number}" for number in range(kinds.count("ephemeral"))]
    for name in ("root", "swap", DISK, *ephemeral):
        drivers.storage.remove_disk(key, name)


def _leave(server: "Server", drivers: HostDrivers) -> None:
    if server.vm_state != states.ACTIVE:
        drivers.hypervisor.stop(str(server.id), 0)
        return
    for port in networks.ports_of(server.id):
        drivers.network.plug(port)
    drivers.hypervisor.hard_reboot(servers.prepare(server, drivers))
