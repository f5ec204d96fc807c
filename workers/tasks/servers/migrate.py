"""The steps of a cold migration: the server is off while its disks are copied from the source to the destination."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.compute import states
from apps.compute.services import server_states
from apps.networking.services import bindings
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.services import allocations
from apps.workflow.services import leases
from workers.config import HostDrivers
from workers.engine.errors import Abort
from workers.engine.steps import DESTINATION, SCHEDULER, SOURCE, StepContext
from workers.mapping import networks, servers
from workers.tasks.servers import fetch_image, schedule
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports
from workers.tasks.servers.power import GRACEFUL_STOP_SECONDS

if TYPE_CHECKING:
    from apps.compute.models import Server


@dataclass(frozen=True, slots=True)
class Claimed:
    """Why the scheduler chose the destination; None where an earlier claim was kept."""

    explanation: dict[str, Any] | None = None


class ScheduleDestination(ServerStep[Claimed]):
    """Claim a destination with the run as consumer: until the server is there, its allocation is on the source.

    As the first step's, its revert ends the server's task; the action shows the failure to the user.
    """

    name = "schedule"
    role = SCHEDULER
    chooses_host = True
    timeout_seconds = 60
    task_state = states.RESIZE_PREP

    def execute(self, ctx: StepContext) -> Claimed:
        earlier = allocations.of_consumer(consumer_id=ctx.claim.run_id)
        if earlier is not None:
            ctx.assign(DESTINATION, earlier.host.name)
            return Claimed()
        excluded = [*ctx.claim.excluded_hosts, ctx.hosts[SOURCE]]
        try:
            choice = schedule.place(self.server(ctx), consumer_id=ctx.claim.run_id, excluded=excluded)
        except NoValidHost as error:
            raise schedule.refusal(ctx, error) from error
        ctx.assign(DESTINATION, choice.host)
        return Claimed(choice.explanation)

    def record(self, ctx: StepContext, result: Claimed) -> None:
        if result.explanation is not None:
            leases.explain(claim=ctx.claim, explanation=result.explanation)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            server_states.end_task(server_id=ctx.subject_id)
        allocations.release(consumer_id=ctx.claim.run_id)


class Prepare(ServerStep[None]):
    """Cache the image of the server's disks on the destination. The cache stays: recovery evicts unused images."""

    name = "prepare"
    role = DESTINATION
    task_state = states.RESIZE_PREP
    timeout_seconds = 800

    def execute(self, ctx: StepContext) -> None:
        storage, server = self.drivers(ctx).storage, self.server(ctx)
        if not storage.capabilities.moves_servers:
            raise Abort("The disks of this server cannot be moved to another host.", cause="ServerNotMovable")
        if server.image_id is not None:
            fetch_image.cache(ctx, storage, server)


class PowerOffSource(ServerStep[None]):
    """Power off on the source. Its revert starts the guest there again, if the server was running.

    A source out of reach starts it in its recovery: the server's power state is unknown until then.
    """

    name = "power_off"
    role = SOURCE
    task_state = states.RESIZE_MIGRATING

    def execute(self, ctx: StepContext) -> None:
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.stop(str(ctx.subject_id), GRACEFUL_STOP_SECONDS)

    def revert(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.vm_state != states.ACTIVE:
            return
        if ctx.on_host:
            _start(server, self.drivers(ctx))
        else:
            server_states.forget_power_state(server_id=ctx.subject_id)


class Copy(ServerStep[None]):
    """Copy the disks. Those of the source stay there until the server runs on the destination."""

    name = "copy"
    role = DESTINATION
    needs = (SOURCE,)
    long = True
    timeout_seconds = 3600
    task_state = states.RESIZE_MIGRATING

    def execute(self, ctx: StepContext) -> None:
        ctx.checkpoint()
        self.drivers(ctx).storage.receive_server(str(ctx.subject_id), ctx.hosts[SOURCE], ctx.stop)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            self.drivers(ctx).storage.remove_server(str(ctx.subject_id))


@dataclass(frozen=True, slots=True)
class Arrived:
    """The destination's zone, and the server's power state there."""

    zone: str
    power_state: str


class Finish(ServerStep[Arrived]):
    """Bind the ports to the destination and start the guest there; with its record the server is on that host."""

    name = "finish"
    role = DESTINATION
    task_state = states.RESIZE_FINISH

    def execute(self, ctx: StepContext) -> Arrived:
        server, drivers = self.server(ctx), self.drivers(ctx)
        allocation = allocations.of_consumer(consumer_id=ctx.claim.run_id)
        if allocation is None:
            raise Abort("The claim on the new host is gone.", cause="ClaimLost")
        bindings.move_for_server(server_id=server.id, host=ctx.host)
        ctx.checkpoint()
        if server.vm_state == states.ACTIVE:
            _start(server, drivers)
        else:
            _plug(server.id, drivers)
        info = drivers.hypervisor.info(str(server.id))
        return Arrived(zone=allocation.host.zone, power_state=str(info.power_state) if info else "shutdown")

    def record(self, ctx: StepContext, result: Arrived) -> None:
        server_states.mark_moved(
            server_id=ctx.subject_id,
            claimed_by=ctx.claim.run_id,
            host=ctx.host,
            zone=result.zone,
            power_state=result.power_state,
        )

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            drivers = self.drivers(ctx)
            drivers.hypervisor.destroy(str(ctx.subject_id))
            _unplug(ctx.subject_id, drivers)
        bindings.move_for_server(server_id=ctx.subject_id, host=ctx.hosts[SOURCE])


class ClearSource(ServerStep[None]):
    """Remove the server's files and ports from the source, and end the task.

    It is behind the pivot: a failure repeats it. Once it is given up, the source's recovery removes the rest.
    """

    name = "clear_source"
    role = SOURCE
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host:
            return
        drivers = self.drivers(ctx)
        drivers.hypervisor.destroy(str(ctx.subject_id))
        _unplug(ctx.subject_id, drivers)
        drivers.storage.remove_server(str(ctx.subject_id))

    def record(self, ctx: StepContext, result: None) -> None:
        server_states.end_task(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        server_states.end_task(server_id=ctx.subject_id)


def _plug(server_id: uuid.UUID, drivers: HostDrivers) -> None:
    for port in networks.ports_of(server_id):
        drivers.network.plug(port)


def _unplug(server_id: uuid.UUID, drivers: HostDrivers) -> None:
    for port in networks.ports_of(server_id):
        drivers.network.unplug(port.id)


def _start(server: "Server", drivers: HostDrivers) -> None:
    _plug(server.id, drivers)
    spec = servers.prepare(server, drivers)
    drivers.hypervisor.start(spec)
    wait_for_ports(ports_of(spec), drivers)
