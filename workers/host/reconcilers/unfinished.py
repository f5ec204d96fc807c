"""Rescues and rebuilds that could not be undone, because their host was out of reach, say.

Sets, per host:
  rescues  = idle servers whose rows keep a rescue and that are not rescued
  rebuilds = idle servers whose rows are those of a rebuild, with the disks of before it
Rules:
  rescues  -> the guest is brought back to its own disk as its row says, and the rescue disk is removed
  rebuilds -> the guest and the disks of before are removed: the next power-on makes those of the row's image
A power action does the same before it begins: what it starts is not ended behind it.
"""

import uuid
from typing import TYPE_CHECKING

import structlog

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.selectors import volume_swaps
from apps.compute.services import server_states
from workers.config import HostDrivers
from workers.host.reconcilers.base import idle
from workers.tasks.servers import unfinished

if TYPE_CHECKING:
    from apps.compute.models import Server

log = structlog.get_logger("celerity.agent")


def is_unfinished(server: "Server") -> bool:
    """Cheap: asked of every row of a host."""
    return not server.task_state and unfinished.is_unfinished(server)


def finish(drivers: HostDrivers, server_id: uuid.UUID) -> None:
    """Finish one server, under its locks: its row is read again."""
    with idle(drivers, server_id) as is_idle:
        server = selectors.load(server_id=server_id) if is_idle else None
        if server is None or server.host != drivers.host or not is_unfinished(server):
            return
        if server.has_volumes and volume_swaps.is_undecided(server_id=server_id, host=drivers.host):
            return  # it would be started with the older copy of a volume, maybe: see arrivals.py, swaps.py
        unfinished.finish(server, drivers)
        if server.vm_state in states.SETTLED:
            info = drivers.hypervisor.info(str(server_id))
            state = str(info.power_state) if info else "shutdown"
            server_states.sync_power_state(server_id=server_id, power_state=state)
    log.info("unfinished action ended", server=str(server_id), host=drivers.host)
