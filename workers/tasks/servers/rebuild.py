"""The steps of a rebuild: the server's disks are made again, of another image perhaps, on the same host."""

from contextlib import suppress
from typing import TYPE_CHECKING

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_disks
from apps.networking.services import bindings
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.engine.errors import Abort
from workers.engine.steps import StepContext
from workers.mapping import rescues, servers
from workers.tasks.servers import fetch_image
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports
from workers.tasks.servers.power import Powered, PowerStep

if TYPE_CHECKING:
    from apps.compute.models import Server


class PrepareRebuild(ServerStep[None]):
    """Have the image in the host's cache. With its record the row is that of the rebuilt server.

    As the first step's, its revert ends the task; before the record nothing has changed.
    """

    name = "prepare_rebuild"
    task_state = states.REBUILDING
    timeout_seconds = 800

    def execute(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.rebuild is None:
            raise Abort("The server is not to be rebuilt any more.", cause="RebuildGone")
        fetch_image.cache_image(ctx, self.drivers(ctx).storage, *rescues.image_of(server.rebuild))

    def record(self, ctx: StepContext, result: None) -> None:
        server_disks.apply_rebuild(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            server_disks.cancel_rebuild(server_id=ctx.subject_id)


class Respawn(PowerStep):
    """Destroy the guest with its local disks and make both again; a server that was stopped stays off.

    Repeated, it begins again. Its revert leaves the server in ERROR without guest and disks: it can be rebuilt again,
    and a hard reboot makes the disks of the row's image. A host that cannot now removes them in its recovery.
    """

    name = "respawn"
    task_state = states.REBUILD_SPAWNING

    def execute(self, ctx: StepContext) -> Powered:
        server, drivers = self.server(ctx), self.drivers(ctx)
        ctx.checkpoint()
        clear(server, drivers)
        self.plug(ctx)
        spec = servers.prepare(server, drivers)
        ctx.checkpoint()
        if server.vm_state == states.STOPPED:
            return Powered("shutdown")
        drivers.hypervisor.spawn(spec)
        wait_for_ports(ports_of(spec), drivers)
        return self.read_power(ctx)

    def record(self, ctx: StepContext, result: Powered) -> None:
        server_disks.end_rebuild(server_id=ctx.subject_id, power_state=result.power_state)
        bindings.set_server_status(server_id=ctx.subject_id, up=result.power_state == "running")

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final or ctx.failure is None:
            return
        self.mark_failed(ctx, ctx.failure, action="rebuild")
        if not ctx.on_host:
            return
        with suppress(DriverError):
            clear(self.server(ctx), self.drivers(ctx))
            server_disks.forget_rebuild(server_id=ctx.subject_id)


def clear(server: "Server", drivers: HostDrivers) -> None:
    """Destroy the guest and remove its local disks, which the next power-on makes again; its console log stays."""
    key = str(server.id)
    drivers.hypervisor.destroy(key)
    kinds = [row.kind for row in selectors.block_devices(server_id=server.id)]
    ephemeral = [f"ephemeral{number}" for number in range(kinds.count("ephemeral"))]
    for name in ("root", "swap", "rescue", *ephemeral):
        drivers.storage.remove_disk(key, name)
