"""The steps after a migration or a resize: what was left is given up, or the server comes back to it."""

from dataclasses import dataclass

import structlog
from django.db import transaction

from apps.compute import states
from apps.compute.selectors import migrations
from apps.compute.services import move_states, server_states
from apps.networking.services import bindings
from apps.scheduling.services import allocations
from workers.drivers.errors import DriverError
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import DESTINATION, SOURCE, StepContext
from workers.mapping import moves
from workers.tasks.servers import moving
from workers.tasks.servers.base import ServerStep
from workers.tasks.servers.power import GRACEFUL_STOP_SECONDS, Powered, PowerStep

log = structlog.get_logger("celerity.agent")


class ForgetSource(ServerStep[None]):
    """Remove what the server has left on the host it came from; on its own host, the disks of before.

    Given up, it ends in the same way: that host's recovery removes the rest.
    """

    name = "forget_source"
    task_state = states.RESIZE_CONFIRMING
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        migration = moving.migration_of(ctx)
        if not ctx.on_host:
            return
        drivers, key = self.drivers(ctx), str(ctx.subject_id)
        ctx.checkpoint()
        drivers.storage.forget_kept(key)
        if migration.destination == ctx.host:
            return
        drivers.hypervisor.destroy(key)
        moving.unplug(ctx.subject_id, drivers)
        drivers.storage.remove_server(key)

    def record(self, ctx: StepContext, result: None) -> None:
        move_states.mark_confirmed(server_id=ctx.subject_id, run_id=ctx.claim.run_id)

    def record_shared(self, ctx: StepContext) -> None:
        move_states.settle_quota(server_id=ctx.subject_id, run_id=ctx.claim.run_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            with transaction.atomic():
                self.record(ctx, None)
                self.record_shared(ctx)


class PrepareReturn(ServerStep[None]):
    """See that the source has what the server is to come back to. As the first step's, its revert ends the task."""

    name = "prepare_return"
    role = SOURCE
    task_state = states.RESIZE_REVERTING

    def execute(self, ctx: StepContext) -> None:
        migration = moving.migration_of(ctx)
        storage, key = self.drivers(ctx).storage, str(ctx.subject_id)
        there = storage.list_kept() if moving.is_same_disk(ctx, storage) else storage.list_servers()
        if key not in there and moves.had_files(self.server(ctx), migration):
            raise Abort("The disks of before are not on their host any more.", cause="DisksLost")

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            move_states.keep_resized(server_id=ctx.subject_id, run_id=ctx.claim.run_id)


class LeaveDestination(ServerStep[None]):
    """Power off on the destination. Its revert starts the guest there again, if it was on."""

    name = "leave_destination"
    role = DESTINATION
    task_state = states.RESIZE_REVERTING

    def execute(self, ctx: StepContext) -> None:
        ctx.checkpoint()
        drivers = self.drivers(ctx)
        drivers.hypervisor.stop(str(ctx.subject_id), GRACEFUL_STOP_SECONDS)
        if not moving.stays(ctx):
            moving.leave_volumes(self.server(ctx), drivers)

    def revert(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.power_state != states.RUNNING and server.vm_state != states.ACTIVE:  # ACTIVE: it has returned
            return
        moving.start_again(ctx, server, self.drivers(ctx) if ctx.on_host else None)


@dataclass(frozen=True, slots=True)
class Returned:
    """The source's zone."""

    zone: str


class ReturnToSource(ServerStep[Returned]):
    """Bind the ports to the source, where the disks of before are; with its record the server is there, off.

    On one disk there is no way back once the disks of before are in their place: the server has returned then.
    """

    name = "return_to_source"
    role = SOURCE
    task_state = states.RESIZE_REVERTING

    def execute(self, ctx: StepContext) -> Returned:
        migration = moving.migration_of(ctx)
        allocation = allocations.of_consumer(consumer_id=migration.uuid)
        if allocation is None:
            raise Abort("The claim on the former host is gone.", cause="ClaimLost")
        ctx.checkpoint()
        drivers, key = self.drivers(ctx), str(ctx.subject_id)
        if moving.is_same_disk(ctx, drivers.storage):
            drivers.hypervisor.destroy(key)
            drivers.storage.return_server(key)
            moves.drop_disks(drivers.storage, self.server(ctx), migration)
        bindings.move_for_server(server_id=ctx.subject_id, host=ctx.host)
        return Returned(allocation.host.zone)

    def record(self, ctx: StepContext, result: Returned) -> None:
        move_states.mark_returned(server_id=ctx.subject_id, run_id=ctx.claim.run_id, zone=result.zone)

    def record_shared(self, ctx: StepContext) -> None:
        move_states.settle_quota(server_id=ctx.subject_id, run_id=ctx.claim.run_id)

    def has_passed(self, ctx: StepContext) -> bool:
        """Raises DriverError where nobody can say it: then it goes forward, and ``revert`` waits."""
        migration = migrations.of_run(run_id=ctx.claim.run_id)
        if migration is None or not (ctx.on_host and moves.had_files(self.server(ctx), migration)):
            return False
        storage = self.drivers(ctx).storage
        return moving.is_same_disk(ctx, storage) and str(ctx.subject_id) not in storage.list_kept()

    def revert(self, ctx: StepContext) -> None:
        try:
            is_back = self.has_passed(ctx)
            if is_back:
                moves.drop_disks(self.drivers(ctx).storage, self.server(ctx), moving.migration_of(ctx))
        except DriverError as error:  # the sweeper has it reverted again
            log.warning("nobody knows which disks the server has", server=str(ctx.subject_id), error=error.message)
            raise LeaseLost from error
        if is_back:
            move_states.follow_back(server_id=ctx.subject_id)
            return
        bindings.move_for_server(server_id=ctx.subject_id, host=ctx.hosts[DESTINATION])


class ReturnFromDead(ReturnToSource):
    """The same while the destination is dead, and fenced: nothing can be powered off there. From now on it cannot write
    to the server's volumes. What it has of the server, its recovery removes when it is back.
    """

    def execute(self, ctx: StepContext) -> Returned:
        moving.fence_volumes(self.server(ctx), ctx.hosts[DESTINATION], self.drivers(ctx))
        self.drivers(ctx).storage.take_disks(str(ctx.subject_id))  # the same for disks in a pool
        return super().execute(ctx)


class StartAtSource(PowerStep):
    """Start the guest, if it ran before the migration. A source out of reach starts it in its recovery.

    It is behind the pivot: given up, the server is in the state that its host reports.
    """

    name = "start_at_source"
    role = SOURCE
    task_state = states.RESIZE_REVERTING

    def execute(self, ctx: StepContext) -> Powered:
        server = self.server(ctx)
        if not ctx.on_host:
            return Powered("" if server.vm_state == states.ACTIVE else "shutdown")
        ctx.checkpoint()
        if server.vm_state == states.ACTIVE:
            moving.start(server, self.drivers(ctx))
        return self.read_power(ctx)

    def record(self, ctx: StepContext, result: Powered) -> None:
        if not result.power_state:
            server_states.forget_power_state(server_id=ctx.subject_id)
            return
        server_states.set_power_state(server_id=ctx.subject_id, power_state=result.power_state, clear_task=False)
        bindings.set_server_status(server_id=ctx.subject_id, up=result.power_state == "running")

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        info = self._seen(ctx)
        if info is None and not ctx.on_host:
            server_states.forget_power_state(server_id=ctx.subject_id)
            server_states.end_task(server_id=ctx.subject_id)
        else:
            state = str(info.power_state) if info is not None else "shutdown"
            server_states.set_power_state(server_id=ctx.subject_id, power_state=state)


class ClearDestination(ServerStep[None]):
    """Remove the server from the destination, and end the task. A destination out of reach does it in its recovery."""

    name = "clear_destination"
    role = DESTINATION
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host or moving.stays(ctx):
            return
        drivers, key = self.drivers(ctx), str(ctx.subject_id)
        drivers.hypervisor.destroy(key)
        moving.unplug(ctx.subject_id, drivers)
        drivers.storage.remove_server(key)

    def record(self, ctx: StepContext, result: None) -> None:
        server_states.end_task(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        server_states.end_task(server_id=ctx.subject_id)
