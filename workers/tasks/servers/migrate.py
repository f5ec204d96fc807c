"""The steps of a migration and of a resize: the server is off while its disks are copied, to another host or beside."""

from dataclasses import dataclass

from apps.compute import states
from apps.compute.selectors import servers as server_selectors
from apps.compute.services import block_devices, move_states, server_states
from apps.networking.services import bindings
from apps.scheduling.services import allocations
from workers.config import HostDrivers
from workers.engine.errors import Abort
from workers.engine.steps import DESTINATION, SOURCE, StepContext
from workers.mapping import moves, servers
from workers.tasks.servers import fetch_image, moving
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports
from workers.tasks.servers.power import GRACEFUL_STOP_SECONDS


class Prepare(ServerStep[None]):
    """Cache the image of the server's disks on the destination. The cache stays: recovery evicts unused images."""

    name = "prepare"
    role = DESTINATION
    task_state = states.RESIZE_PREP
    timeout_seconds = 800

    def execute(self, ctx: StepContext) -> None:
        storage, server = self.drivers(ctx).storage, self.server(ctx)
        if not (moving.stays(ctx) or storage.capabilities.moves_servers):
            raise Abort("The disks of this server cannot be moved to another host.", cause="ServerNotMovable")
        if server.image_id is not None and not storage.capabilities.shared:
            fetch_image.cache_moved(ctx, storage, server)


class PowerOffSource(ServerStep[None]):
    """Power off on the source. Its revert starts the guest there again, if the server was running.

    A source out of reach starts it in its recovery: the server's power state is unknown until then.
    """

    name = "power_off"
    role = SOURCE
    task_state = states.RESIZE_MIGRATING

    def execute(self, ctx: StepContext) -> None:
        ctx.checkpoint()
        drivers = self.drivers(ctx)
        drivers.hypervisor.stop(str(ctx.subject_id), GRACEFUL_STOP_SECONDS)
        drivers.storage.forget_kept(str(ctx.subject_id))  # of an earlier move, which a return would bring back
        if not moving.stays(ctx):
            moving.leave_volumes(self.server(ctx), drivers)

    def revert(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.vm_state != states.ACTIVE:
            return
        moving.start_again(ctx, server, self.drivers(ctx) if ctx.on_host else None)


class Copy(ServerStep[None]):
    """Copy the disks that are files. Those of before stay on the source until the migration is confirmed or reverted.

    On one host, the copies are the disks of before: its revert brings them back.
    """

    name = "copy"
    role = DESTINATION
    needs = (SOURCE,)
    long = True
    timeout_seconds = 3600
    task_state = states.RESIZE_MIGRATING

    def execute(self, ctx: StepContext) -> None:
        storage, key = self.drivers(ctx).storage, str(ctx.subject_id)
        if not moves.has_files(self.server(ctx)):
            return
        ctx.checkpoint()
        if moving.stays(ctx):
            storage.keep_server(key, ctx.stop)
        else:
            storage.receive_server(key, moves.source_of(ctx.hosts[SOURCE], key), ctx.stop)

    def revert(self, ctx: StepContext) -> None:
        if not ctx.on_host:
            return
        storage, key = self.drivers(ctx).storage, str(ctx.subject_id)
        if moving.stays(ctx) or storage.capabilities.shared:
            storage.return_server(key)
        if not moving.stays(ctx):
            storage.remove_server(key)


@dataclass(frozen=True, slots=True)
class Arrived:
    """The destination's zone, and the server's power state there."""

    zone: str
    power_state: str


class Finish(ServerStep[Arrived]):
    """Bind the ports to the destination and start the guest there, with its new flavor; with its record the server is
    on that host.

    Before the start that is noted: a destination that cannot be asked any more may have the guest running. Then its
    revert leaves it there, the rows follow, and the run goes on.
    """

    name = "finish"
    role = DESTINATION
    task_state = states.RESIZE_FINISH

    def execute(self, ctx: StepContext) -> Arrived:
        row, drivers, migration = self.server(ctx), self.drivers(ctx), moving.migration_of(ctx)
        allocation = allocations.of_consumer(consumer_id=migration.uuid)
        if allocation is None:
            raise Abort("The claim on the new host is gone.", cause="ClaimLost")
        bindings.move_for_server(server_id=row.id, host=ctx.host)
        ctx.checkpoint()
        before = server_selectors.block_devices(server_id=row.id)
        after = block_devices.of_flavor(row, before, migration.new_flavor)
        if not _runs(drivers, str(row.id)):  # else an earlier attempt started it
            moves.fit_disks(drivers.storage, str(row.id), before, after)
        server = moving.at_destination(row, migration)
        moving.plug(server.id, drivers)
        moving.take_volumes(server, drivers)
        spec = servers.prepare(server, drivers, rows=after)
        ctx.checkpoint()
        if server.vm_state == states.ACTIVE:
            move_states.mark_starting(run_id=ctx.claim.run_id)
            drivers.hypervisor.start(spec)
            wait_for_ports(ports_of(spec), drivers)
        info = drivers.hypervisor.info(str(server.id))
        return Arrived(zone=allocation.host.zone, power_state=str(info.power_state) if info else "shutdown")

    def record(self, ctx: StepContext, result: Arrived) -> None:
        move_states.mark_arrived(
            server_id=ctx.subject_id,
            run_id=ctx.claim.run_id,
            host=ctx.host,
            zone=result.zone,
            power_state=result.power_state,
            disk_config=ctx.claim.params.get("disk_config", ""),
        )

    def record_shared(self, ctx: StepContext) -> None:
        server_states.commit_quota(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> bool:
        drivers = self.drivers(ctx) if ctx.on_host else None
        if not moving.stays(ctx) and moving.may_run_there(ctx, drivers):
            move_states.follow(
                server_id=ctx.subject_id,
                run_id=ctx.claim.run_id,
                host=ctx.hosts[DESTINATION],
                disk_config=ctx.claim.params.get("disk_config", ""),
            )
            return True
        if drivers is not None and moving.stays(ctx):
            drivers.hypervisor.destroy(str(ctx.subject_id))
        elif drivers is not None:
            moving.unplug(ctx.subject_id, drivers)
            moving.leave_volumes(self.server(ctx), drivers)
        bindings.move_for_server(server_id=ctx.subject_id, host=ctx.hosts[SOURCE])
        return False


def _runs(drivers: HostDrivers, server_id: str) -> bool:
    info = drivers.hypervisor.info(server_id)
    return info is not None and str(info.power_state) != "shutdown"


class ClearSource(ServerStep[None]):
    """Remove the server's domain and ports from the source, and end the task. Its files stay.

    It is behind the pivot: a failure repeats it. Once it is given up, the source's recovery removes the rest.
    """

    name = "clear_source"
    role = SOURCE
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host or moving.stays(ctx):
            return
        drivers = self.drivers(ctx)
        drivers.hypervisor.destroy(str(ctx.subject_id))
        moving.unplug(ctx.subject_id, drivers)

    def record(self, ctx: StepContext, result: None) -> None:
        server_states.end_task(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        server_states.end_task(server_id=ctx.subject_id)
