"""The steps of a rescue and of its end: the server boots from another disk, with its own beside it."""

from contextlib import suppress

import structlog

from apps.compute import states
from apps.compute.services import server_disks, server_states
from apps.networking.services import bindings
from workers.drivers.errors import DriverError
from workers.drivers.network.errors import NetworkUnavailable
from workers.engine.errors import Abort
from workers.engine.steps import StepContext
from workers.mapping import rescues, servers
from workers.tasks.servers import fetch_image, unfinished
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports
from workers.tasks.servers.power import GRACEFUL_STOP_SECONDS, Powered, PowerStep
from workers.tasks.servers.unfinished import DISK

log = structlog.get_logger("celerity.agent")


class PrepareRescue(ServerStep[None]):
    """Have the rescue image in the cache, and a new disk of it. As the first step's, its revert ends the task.

    A rescue that began and was not undone stays in the row: the next power action or the host's recovery ends it.
    """

    name = "prepare_rescue"
    task_state = states.RESCUING
    timeout_seconds = 800

    def execute(self, ctx: StepContext) -> None:
        server, storage = self.server(ctx), self.drivers(ctx).storage
        if server.rescue is None:
            raise Abort("The server is not to be rescued any more.", cause="RescueGone")
        if server.rebuild == server_disks.APPLIED:  # else recovery would remove the disks under the rescued guest
            unfinished.clear(server, self.drivers(ctx))
            server_disks.forget_rebuild(server_id=server.id)
        cached = fetch_image.cache_image(ctx, storage, *rescues.image_of(server.rescue))
        fetch_image.cache_parts(ctx, storage, server.rescue["image_facts"])
        storage.remove_disk(str(server.id), DISK)
        storage.create_rescue(str(server.id), cached)

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        if server_disks.has_begun(self.server(ctx).rescue):
            server_states.forget_power_state(server_id=ctx.subject_id)
        elif ctx.on_host:
            with suppress(DriverError):
                self.drivers(ctx).storage.remove_disk(str(ctx.subject_id), DISK)
                server_disks.end_rescue(server_id=ctx.subject_id)
        server_states.end_task(server_id=ctx.subject_id)


class StartRescue(PowerStep):
    """Shut the guest down and boot it from the rescue disk. Its revert brings the guest back as it was.

    A host that cannot now does that in its recovery: the row keeps its rescue until then.
    """

    name = "start_rescue"
    task_state = states.RESCUING

    def execute(self, ctx: StepContext) -> Powered:
        drivers = self.drivers(ctx)
        ctx.checkpoint()
        server_disks.begin_rescue(server_id=ctx.subject_id)
        drivers.hypervisor.stop(str(ctx.subject_id), GRACEFUL_STOP_SECONDS)
        self.plug(ctx)
        spec = rescues.prepare(self.server(ctx), drivers)
        ctx.checkpoint()
        drivers.hypervisor.hard_reboot(spec)
        wait_for_ports(ports_of(spec), drivers)
        return self.read_power(ctx)

    def record(self, ctx: StepContext, result: Powered) -> None:
        server_disks.mark_rescued(server_id=ctx.subject_id, power_state=result.power_state)
        bindings.set_server_status(server_id=ctx.subject_id, up=result.power_state == "running")

    def revert(self, ctx: StepContext) -> None:
        if ctx.final and ctx.on_host:
            with suppress(DriverError):
                unfinished.finish(self.server(ctx), self.drivers(ctx))


class LeaveRescue(PowerStep):
    """Boot the guest from its own disk again, and remove the rescue disk."""

    name = "leave_rescue"
    task_state = states.UNRESCUING

    def execute(self, ctx: StepContext) -> Powered:
        drivers = self.drivers(ctx)
        self.plug(ctx)
        spec = servers.prepare(self.server(ctx), drivers)
        ctx.checkpoint()
        drivers.hypervisor.hard_reboot(spec)
        try:
            wait_for_ports(ports_of(spec), drivers)
        except NetworkUnavailable as error:  # the guest runs from its own disk: that is no rescue any more
            log.warning("ports are not up", server=str(ctx.subject_id), ports=error.details)
        drivers.storage.remove_disk(str(ctx.subject_id), DISK)
        return self.read_power(ctx)

    def record(self, ctx: StepContext, result: Powered) -> None:
        server_disks.end_rescue(server_id=ctx.subject_id, power_state=result.power_state)
        bindings.set_server_status(server_id=ctx.subject_id, up=result.power_state == "running")
