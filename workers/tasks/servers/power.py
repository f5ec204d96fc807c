"""Start, stop, pause, suspend and reboot: a step each; the state that is written is the one the host reports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.compute import states
from apps.compute.services import server_states
from apps.networking.services import bindings
from workers.drivers.errors import DriverError, RetryableError
from workers.drivers.hypervisor.base import DomainInfo
from workers.engine.errors import LeaseLost
from workers.engine.steps import StepContext
from workers.mapping import hardware, networks, servers, volumes
from workers.tasks.servers import unfinished
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports

if TYPE_CHECKING:
    from apps.compute.models import Server

GRACEFUL_STOP_SECONDS = 60.0
GRACEFUL_REBOOT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Powered:
    """The power state that the host reports after the step: "running", "shutdown", "paused"…"""

    power_state: str


class PowerStep(ServerStep[Powered]):
    """Its revert ends the task and writes the state that the host reports; the failure is shown in the action.

    A guest that is off because its machine restarted meanwhile is started by recovery: its row's power state, which
    is unknown then, stays so.
    """

    def record(self, ctx: StepContext, result: Powered) -> None:
        server_states.set_power_state(server_id=ctx.subject_id, power_state=result.power_state)
        bindings.set_server_status(server_id=ctx.subject_id, up=result.power_state == "running")

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        info = self._seen(ctx)
        power_state = str(info.power_state) if info is not None else ""
        if power_state == "shutdown" and self.server(ctx).power_state == states.NOSTATE:
            power_state = ""
        if power_state:
            server_states.set_power_state(server_id=ctx.subject_id, power_state=power_state)
        else:
            server_states.end_task(server_id=ctx.subject_id)

    def _seen(self, ctx: StepContext) -> DomainInfo | None:
        """Return the host's power state; the run must end even if the hypervisor does not answer."""
        try:
            return self.drivers(ctx).hypervisor.info(str(ctx.subject_id)) if ctx.on_host else None
        except DriverError:
            return None

    def finished(self, ctx: StepContext) -> "Server":
        """Return the server's row. What a rescue or a rebuild left is ended before: recovery would end it later,
        together with the guest that this action leaves.
        """
        server = self.server(ctx)
        if unfinished.is_unfinished(server):
            ctx.checkpoint()
            unfinished.finish(server, self.drivers(ctx))
            server = self.server(ctx)
        return server

    def read_power(self, ctx: StepContext) -> Powered:
        info = self.drivers(ctx).hypervisor.info(str(ctx.subject_id))
        return Powered(str(info.power_state) if info else "shutdown")

    def plug(self, ctx: StepContext) -> None:
        """Have the host's side of the ports in place: after a restart of the machine nothing of it is left."""
        for port in networks.ports_of(ctx.subject_id):
            self.drivers(ctx).network.plug(port)


class PowerOn(PowerStep):
    name = "power_on"
    task_state = states.POWERING_ON

    def execute(self, ctx: StepContext) -> Powered:
        server, drivers = self.finished(ctx), self.drivers(ctx)
        self.plug(ctx)
        spec = servers.prepare(server, drivers)
        ctx.checkpoint()
        drivers.hypervisor.start(spec)
        wait_for_ports(ports_of(spec), drivers)
        return self.read_power(ctx)


class PowerOff(PowerStep):
    name = "power_off"
    task_state = states.POWERING_OFF

    def execute(self, ctx: StepContext) -> Powered:
        self.finished(ctx)
        ctx.checkpoint()  # the host's lock may have been waited for, and the run taken away meanwhile
        self.drivers(ctx).hypervisor.stop(str(ctx.subject_id), GRACEFUL_STOP_SECONDS)
        return self.read_power(ctx)


class Pause(PowerStep):
    name = "pause"
    task_state = states.PAUSING

    def execute(self, ctx: StepContext) -> Powered:
        self.finished(ctx)
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.pause(str(ctx.subject_id))
        return self.read_power(ctx)


class Unpause(PowerStep):
    name = "unpause"
    task_state = states.UNPAUSING

    def execute(self, ctx: StepContext) -> Powered:
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.unpause(str(ctx.subject_id))
        return self.read_power(ctx)


class Suspend(PowerStep):
    """Writing the guest's memory to the disk takes as long as it is large."""

    name = "suspend"
    long = True
    timeout_seconds = 3600
    task_state = states.SUSPENDING

    def execute(self, ctx: StepContext) -> Powered:
        self.finished(ctx)
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.suspend(str(ctx.subject_id), ctx.stop)
        return self.read_power(ctx)


class Resume(PowerStep):
    """Continue a saved guest, with what it has of the host: after a restart of the machine neither ports nor exports
    of volumes are left.
    """

    name = "resume"
    timeout_seconds = 800
    task_state = states.RESUMING

    def execute(self, ctx: StepContext) -> Powered:
        drivers, server = self.drivers(ctx), self.server(ctx)
        self.plug(ctx)
        if server.has_volumes:
            volumes.connect_all(server.id, drivers)
        ctx.checkpoint()
        if (tpm := hardware.tpm_of(server)) is not None:
            drivers.hypervisor.lend_tpm(str(server.id), tpm.secret)
        drivers.hypervisor.resume(str(ctx.subject_id))
        wait_for_ports({port.id: port.routers for port in networks.ports_of(ctx.subject_id)}, drivers)
        return self.read_power(ctx)


class InjectNmi(ServerStep[None]):
    """Interrupt the guest. Its state is its own affair, so nothing is written."""

    name = "inject_nmi"

    def execute(self, ctx: StepContext) -> None:
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.inject_nmi(str(ctx.subject_id))


class Reboot(PowerStep):
    """Soft first if requested; a guest that does not shut down is rebooted hard, as in Nova."""

    name = "reboot"

    def begin(self, ctx: StepContext) -> None:
        task = states.REBOOTING_HARD if ctx.claim.params.get("hard") else states.REBOOTING
        if server_states.begin_task(server_id=ctx.subject_id, task_state=task) is None:
            raise LeaseLost

    def execute(self, ctx: StepContext) -> Powered:
        server, drivers = self.finished(ctx), self.drivers(ctx)
        if ctx.claim.params.get("hard") or not self._soft(ctx):
            self.plug(ctx)
            spec = servers.prepare(server, drivers)
            ctx.checkpoint()
            drivers.hypervisor.hard_reboot(spec)
            wait_for_ports(ports_of(spec), drivers)
        return self.read_power(ctx)

    def _soft(self, ctx: StepContext) -> bool:
        try:
            self.drivers(ctx).hypervisor.reboot(str(ctx.subject_id), GRACEFUL_REBOOT_SECONDS)
        except RetryableError:
            ctx.checkpoint()
            return False
        return True
