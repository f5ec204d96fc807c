"""The steps of an evacuation: the server is made again on another host, as its own is dead and fenced.

Volumes and disks in a pool keep their data; files are made again from the image. What the dead host has of the server,
its recovery removes when it is back.
"""

from typing import TYPE_CHECKING

from apps.compute import migration_states, states
from apps.compute.services import live_states, move_states
from apps.compute.services.live_states import UNKNOWN
from apps.images.selectors import images as image_selectors
from apps.networking.services import bindings
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import PowerState
from workers.drivers.storage.base import CachedImage
from workers.engine.steps import DESTINATION, SOURCE, StepContext
from workers.mapping import images, servers
from workers.tasks.servers import destinations, fetch_image, live_migrate, moving
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports
from workers.tasks.servers.live_migrate import Arrived

if TYPE_CHECKING:
    from apps.compute.models import Server


class ScheduleEvacuation(destinations.ScheduleLiveDestination):
    """Claim a destination; its revert leaves the server on the dead host."""

    task_state = states.REBUILDING


class Recreate(ServerStep[Arrived]):
    """Make the server's disks, have its volumes and its ports, and start its guest; with its record it is here.

    A host that cannot be asked any more may have it running, once that is noted: the server is there then.
    """

    name = "recreate"
    role = DESTINATION
    task_state = states.REBUILD_SPAWNING
    timeout_seconds = 1200

    def execute(self, ctx: StepContext) -> Arrived:
        row, drivers = self.server(ctx), self.drivers(ctx)
        server = moving.at_destination(row, moving.migration_of(ctx))
        is_taken = self._take(str(server.id), drivers)
        cached = None if is_taken else self._image(ctx, server, drivers)
        ctx.checkpoint()
        if not is_taken and drivers.hypervisor.info(str(server.id)) is None:
            drivers.storage.remove_server(str(server.id))  # files of an earlier life here would show through
        if cached is not None:
            drivers.storage.unpack_root(str(server.id), cached, int(server.flavor["disk"]), ctx.stop)
        bindings.move_for_server(server_id=server.id, host=ctx.host)
        moving.plug(server.id, drivers)
        moving.fence_volumes(server, ctx.hosts[SOURCE], drivers)
        moving.take_volumes(server, drivers)
        spec = servers.prepare(server, drivers)
        ctx.checkpoint()
        if ctx.claim.params.get("stopped"):
            return Arrived("shutdown")
        move_states.mark_starting(run_id=ctx.claim.run_id)
        drivers.hypervisor.spawn(spec)
        wait_for_ports(ports_of(spec), drivers)
        info = drivers.hypervisor.info(str(server.id))
        return Arrived(str(info.power_state) if info else "shutdown")

    def _take(self, server_id: str, drivers: HostDrivers) -> bool:
        """Have the server's disks of a pool here, with their data. A guest that is here has them already."""
        if not drivers.storage.capabilities.shared:
            return False
        info = drivers.hypervisor.info(server_id)
        if info is not None and info.power_state in (PowerState.RUNNING, PowerState.PAUSED):
            return bool(drivers.storage.pooled_disks(server_id))
        drivers.storage.remove_server(server_id)
        return drivers.storage.take_disks(server_id)

    def _image(self, ctx: StepContext, server: "Server", drivers: HostDrivers) -> CachedImage | None:
        """Have the server's image in the cache; return the one of its disk if it was just unshelved from that."""
        if server.shelved_image_id is not None:
            image = image_selectors.live().filter(id=server.shelved_image_id).first()
            if image is not None and image.os_hash_value:
                return fetch_image.cache_image(ctx, drivers.storage, *images.of_image(image))
        if server.image_id is not None:
            fetch_image.cache(ctx, drivers.storage, server)
        return None

    def record(self, ctx: StepContext, result: Arrived) -> None:
        self._mark(ctx, result.power_state)

    def _mark(self, ctx: StepContext, power_state: str) -> None:
        live_states.mark_made_again(
            server_id=ctx.subject_id, run_id=ctx.claim.run_id, host=ctx.hosts[DESTINATION], power_state=power_state
        )

    def revert(self, ctx: StepContext) -> bool:
        drivers = self.drivers(ctx) if ctx.on_host else None
        if moving.may_run_there(ctx, drivers):
            self._mark(ctx, UNKNOWN)
            return True
        if drivers is not None:
            moving.unplug(ctx.subject_id, drivers)
            moving.leave_volumes(self.server(ctx), drivers)
            drivers.storage.remove_server(str(ctx.subject_id))
        bindings.move_for_server(server_id=ctx.subject_id, host=ctx.hosts[SOURCE])
        return False


class ClearEvacuated(live_migrate.ClearSource):
    """Remove the server from its former host if that is back already, and end the task."""

    def record(self, ctx: StepContext, result: None) -> None:
        live_states.complete(server_id=ctx.subject_id, run_id=ctx.claim.run_id, status=migration_states.DONE)

    def revert(self, ctx: StepContext) -> None:
        self.record(ctx, None)
