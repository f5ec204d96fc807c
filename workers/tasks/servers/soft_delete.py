"""The steps of a deferred delete and of a restore: the guest is powered off, and on again."""

from contextlib import suppress

from apps.compute import states
from apps.compute.services import server_states
from apps.networking.services import bindings
from workers.drivers.errors import DriverError
from workers.engine.steps import StepContext
from workers.mapping import servers
from workers.tasks.servers.base import ports_of, wait_for_ports
from workers.tasks.servers.power import GRACEFUL_STOP_SECONDS, Powered, PowerStep


class SoftDelete(PowerStep):
    """Power the guest off. On a host that is down, its recovery does that.

    The delete has set the task_state, from any other, as that of a server.delete.
    """

    name = "soft_delete"
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> Powered:
        if not ctx.on_host:
            return Powered("shutdown")
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.stop(str(ctx.subject_id), GRACEFUL_STOP_SECONDS)
        return self.read_power(ctx)

    def record(self, ctx: StepContext, result: Powered) -> None:
        server_states.mark_soft_deleted(server_id=ctx.subject_id, power_state=result.power_state)
        bindings.set_server_status(server_id=ctx.subject_id, up=False)

    def record_shared(self, ctx: StepContext) -> None:
        server_states.release_quota(server_id=ctx.subject_id)


class Restore(PowerStep):
    """Power the guest on; one that was rescued boots from its own disk. Its revert leaves the server deleted."""

    name = "restore"
    task_state = states.RESTORING

    def execute(self, ctx: StepContext) -> Powered:
        server, drivers = self.finished(ctx), self.drivers(ctx)
        self.plug(ctx)
        spec = servers.prepare(server, drivers)
        ctx.checkpoint()
        drivers.hypervisor.start(spec)
        wait_for_ports(ports_of(spec), drivers)
        return self.read_power(ctx)

    def record(self, ctx: StepContext, result: Powered) -> None:
        server_states.mark_restored(server_id=ctx.subject_id, power_state=result.power_state)
        bindings.set_server_status(server_id=ctx.subject_id, up=result.power_state == "running")

    def record_shared(self, ctx: StepContext) -> None:
        server_states.commit_quota(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        if ctx.on_host:
            with suppress(DriverError):  # its recovery powers off what runs although it is deleted
                self.drivers(ctx).hypervisor.stop(str(ctx.subject_id), 0)
        server_states.cancel_restore(server_id=ctx.subject_id)
