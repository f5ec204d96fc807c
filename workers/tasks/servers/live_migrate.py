"""The steps of a live migration: the guest runs on while its disks and memory are copied, and is paused for a moment.

Until the guest has left its source, every failure leaves it there. Where it is, the hosts say, not the rows
(`HypervisorDriver.whereabouts`): a step that was cut short looks first.
"""

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError

from apps.compute import migration_states, states
from apps.compute.services import live_states, migrations, server_states
from apps.compute.services.live_states import UNKNOWN
from apps.networking.services import bindings
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.hypervisor.migration import MigrationOptions, Progress, Whereabouts
from workers.engine.errors import Abort
from workers.engine.steps import DESTINATION, SOURCE, StepContext
from workers.mapping import hardware, peers, volumes
from workers.system.peers import client
from workers.system.peers.errors import PeerError
from workers.tasks.servers import fetch_image, moving
from workers.tasks.servers.base import ServerStep

if TYPE_CHECKING:
    from apps.compute.models import Server

log = structlog.get_logger("celerity.agent")
PROGRESS_SECONDS = 0.5


def runs(server: "Server") -> bool:
    """Whether the guest is to run; else its owner paused it."""
    return server.vm_state != states.PAUSED


class Prepare(ServerStep[None]):
    """Have the server's image, empty disks, volumes and sockets on the destination, and its ports there as well.

    Its revert removes them, unless the guest runs there: then it has moved, and the rows follow. A guest that is all
    there, paused, while the source cannot be asked, is left: it may be the only one.
    """

    name = "prepare"
    role = DESTINATION
    needs = (SOURCE,)
    task_state = states.MIGRATING
    timeout_seconds = 800

    def execute(self, ctx: StepContext) -> None:
        server, drivers = self.server(ctx), self.drivers(ctx)
        if server.image_id is not None and not drivers.storage.capabilities.shared:
            fetch_image.cache_moved(ctx, drivers.storage, server)
        ctx.checkpoint()
        if drivers.hypervisor.info(str(server.id)) is None:  # files of an earlier life here would show through
            drivers.storage.remove_server(str(server.id))
        drivers.storage.prepare_disks(str(server.id), peers.peer_of(ctx.hosts[SOURCE]), ctx.stop)
        if server.has_volumes:
            volumes.connect_all(server.id, drivers)
        drivers.hypervisor.prepare_arrival(str(server.id))
        moving.plug(server.id, drivers)

    def record(self, ctx: StepContext, result: None) -> None:
        live_states.mark_prepared(server_id=ctx.subject_id, host=ctx.host)

    def revert(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if server.host == ctx.host:  # the revert of a later step found it here
            return
        if ctx.on_host:
            drivers = self.drivers(ctx)
            info = drivers.hypervisor.info(str(server.id))
            if info is not None and info.power_state == "running":
                mark_moved(ctx, str(info.power_state))
                return
            if ctx.unreachable == ctx.hosts[SOURCE] and drivers.hypervisor.has_arrived(str(server.id)):
                log.warning("guest left paused: its source cannot be asked", server=str(server.id))
                return
            drivers.hypervisor.destroy(str(server.id))
            drivers.hypervisor.settle_arrival(str(server.id), runs=False)
            moving.unplug(server.id, drivers)
            moving.leave_volumes(server, drivers)
            drivers.storage.remove_server(str(server.id))
        bindings.move_for_server(server_id=server.id, host=ctx.hosts[SOURCE])


@dataclass(frozen=True, slots=True)
class Moved:
    """How long the migration and the guest's pause took, in milliseconds; None where nobody counted."""

    total_ms: int | None = None
    downtime_ms: int | None = None


class Migrate(ServerStep[Moved]):
    """Move the guest: the pivot. It is over once the source has given up the guest.

    Its revert leaves the guest on the source. One that has moved already stays where it is, and the rows follow it.
    """

    name = "migrate"
    role = SOURCE
    needs = (DESTINATION,)
    long = True
    timeout_seconds = 6 * 3600
    task_state = states.MIGRATING

    def execute(self, ctx: StepContext) -> Moved:
        server, hypervisor = self.server(ctx), self.drivers(ctx).hypervisor
        key, destination = str(server.id), peers.peer_of(ctx.hosts[DESTINATION])
        ctx.checkpoint()
        where = self._where(ctx, server)
        if where == Whereabouts.THERE:
            return Moved()
        if where == Whereabouts.OFF:
            raise Abort("The server is not running.", cause="ServerNotRunning")
        hypervisor.check_migration(key, destination)
        ctx.checkpoint()
        migrations.advance(run_id=ctx.claim.run_id, status=migration_states.RUNNING)
        options = replace(
            options_of(server),
            placement=hardware.placement_there(server, moving.at_destination(server, moving.migration_of(ctx))),
        )
        moved = hypervisor.migrate(key, destination, options, _Reporter(ctx, hypervisor), ctx.stop)
        log.info("guest moved", total_ms=moved.total_ms, downtime_ms=moved.downtime_ms)
        return Moved(moved.total_ms, moved.downtime_ms)

    def record(self, ctx: StepContext, result: Moved) -> None:
        if result.downtime_ms is not None:
            migrations.note_downtime(run_id=ctx.claim.run_id, milliseconds=result.downtime_ms)

    def has_passed(self, ctx: StepContext) -> bool:
        return self._power_there(ctx, self.server(ctx)) is not None

    def revert(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if not ctx.on_host:
            server_states.forget_power_state(server_id=server.id)
        elif (power_state := self._power_there(ctx, server)) is not None:
            mark_moved(ctx, power_state)

    def _power_there(self, ctx: StepContext, server: "Server") -> str | None:
        """Return the power state on the destination, None for a guest that has not left.

        UNKNOWN where the destination does not answer and this host has no domain any more: the guest is there alone.
        """
        try:
            there = self._where(ctx, server) == Whereabouts.THERE
        except DriverError:
            return UNKNOWN if self.drivers(ctx).hypervisor.info(str(server.id)) is None else None
        return ("running" if runs(server) else "paused") if there else None

    def _where(self, ctx: StepContext, server: "Server") -> Whereabouts:
        destination = peers.peer_of(ctx.hosts[DESTINATION])
        return self.drivers(ctx).hypervisor.whereabouts(str(server.id), destination, runs=runs(server))


@dataclass(frozen=True, slots=True)
class Arrived:
    """The server's power state on the destination."""

    power_state: str


class Arrive(ServerStep[Arrived]):
    """The guest runs on the destination; with its record the server is on that host.

    If that host went down meanwhile, it is there all the same: its recovery starts the guest.
    """

    name = "arrive"
    role = DESTINATION
    task_state = states.MIGRATING

    def execute(self, ctx: StepContext) -> Arrived:
        migrations.advance(run_id=ctx.claim.run_id, status=migration_states.POST_MIGRATING)
        if not ctx.on_host:
            return Arrived(UNKNOWN)
        server, drivers = self.server(ctx), self.drivers(ctx)
        drivers.hypervisor.settle_arrival(str(server.id), runs=runs(server))
        bindings.move_for_server(server_id=server.id, host=ctx.host)
        moving.plug(server.id, drivers)
        moving.take_volumes(server, drivers)
        info = drivers.hypervisor.info(str(server.id))
        _keep_console(ctx, drivers)
        return Arrived(str(info.power_state) if info else "shutdown")

    def record(self, ctx: StepContext, result: Arrived) -> None:
        mark_moved(ctx, result.power_state)

    def revert(self, ctx: StepContext) -> None:
        """Behind the pivot, and given up: the guest is there all the same."""
        if ctx.on_host:
            try:
                self.drivers(ctx).hypervisor.settle_arrival(str(ctx.subject_id), runs=runs(self.server(ctx)))
            except DriverError as error:
                log.warning("arrival not settled", server=str(ctx.subject_id), error=error.message)
        mark_moved(ctx, UNKNOWN)
        live_states.complete(server_id=ctx.subject_id, run_id=ctx.claim.run_id)


class ClearSource(ServerStep[None]):
    """Remove the server's files, volumes and ports from the source, and end the task.

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
        moving.unplug(ctx.subject_id, drivers)
        moving.leave_volumes(self.server(ctx), drivers)
        drivers.storage.remove_server(str(ctx.subject_id))

    def record(self, ctx: StepContext, result: None) -> None:
        live_states.complete(server_id=ctx.subject_id, run_id=ctx.claim.run_id)

    def revert(self, ctx: StepContext) -> None:
        live_states.complete(server_id=ctx.subject_id, run_id=ctx.claim.run_id)


def mark_moved(ctx: StepContext, power_state: str) -> None:
    live_states.mark_moved(
        server_id=ctx.subject_id, run_id=ctx.claim.run_id, host=ctx.hosts[DESTINATION], power_state=power_state
    )


def options_of(server: "Server") -> MigrationOptions:
    """Return how the settings want it."""
    return MigrationOptions(runs=runs(server), **settings.LIVE_MIGRATION)


class _Reporter:
    """Notes a migration's progress now and then, and has it completed if somebody wants that.

    A database that is away for a moment is no reason to stop one: its step is held by the lease, not by this.
    """

    def __init__(self, ctx: StepContext, hypervisor: HypervisorDriver) -> None:
        self._ctx, self._hypervisor, self._next = ctx, hypervisor, 0.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PROGRESS_SECONDS
        try:
            is_forced = migrations.count(run_id=self._ctx.claim.run_id, **asdict(progress))
        except DatabaseError as error:
            log.warning("progress not noted", server=str(self._ctx.subject_id), error=str(error)[:200])
            return
        if is_forced:
            self._hypervisor.force_complete(str(self._ctx.subject_id))


def _keep_console(ctx: StepContext, drivers: HostDrivers) -> None:
    """Carry the console's text over. Without it the server runs all the same."""
    key = str(ctx.subject_id)
    try:
        drivers.storage.keep_console(key, client.read(peers.peer_of(ctx.hosts[SOURCE]), key, "console"))
    except (PeerError, DriverError) as error:
        log.info("the console's earlier text is lost", server=key, error=error.details or error.message)
