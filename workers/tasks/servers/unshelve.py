"""The steps of an unshelve: on the server's host, or on one that the scheduler chooses, from the image of its disk."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from apps.compute import states
from apps.compute.services import server_states, shelving
from apps.compute.services.unfilled_images import IMAGE
from apps.images.selectors import images as image_selectors
from apps.images.services import images as image_services
from apps.networking.services import bindings
from apps.scheduling.services import allocations
from apps.workflow.services import leases
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.engine.errors import Abort, LeaseLost
from workers.engine.steps import HOST, SCHEDULER, StepContext
from workers.mapping import images, servers
from workers.tasks import hearing
from workers.tasks.servers import fetch_image, moving, schedule
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports
from workers.tasks.servers.power import Powered, PowerOn, PowerStep
from workers.tasks.servers.schedule import Scheduled

if TYPE_CHECKING:
    from apps.compute.models import Server
    from apps.images.models import Image

log = structlog.get_logger("celerity.agent")


class ScheduleUnshelve(ServerStep[Scheduled]):
    """Claim a host. As the first step's, its revert gives it back; the server stays shelved."""

    name = "schedule"
    role = SCHEDULER
    chooses_host = True
    timeout_seconds = 60
    task_state = states.UNSHELVING

    def execute(self, ctx: StepContext) -> Scheduled:
        server = self.server(ctx)
        earlier = allocations.of_consumer(consumer_id=ctx.subject_id)
        if earlier is not None:
            ctx.assign(HOST, earlier.host.name)
            return Scheduled(earlier.host.zone)
        server.requested_host = ""  # a host that its owner once named does not bind it any more
        excluded, target = ctx.claim.excluded_hosts, ctx.claim.params.get("host", "")
        choice = hearing.chosen(
            ctx,
            lambda: schedule.place(server, consumer_id=server.id, excluded=excluded, host=target),
            schedule.refusal,
        )
        ctx.assign(HOST, choice.host)
        return Scheduled(choice.zone, choice.explanation)

    def record(self, ctx: StepContext, result: Scheduled) -> None:
        server_states.set_host(server_id=ctx.subject_id, host=ctx.host, zone=result.zone)
        if result.explanation is not None:
            leases.explain(claim=ctx.claim, explanation=result.explanation)

    def revert(self, ctx: StepContext) -> None:
        shelving.leave_host(server_id=ctx.subject_id, final=ctx.final)


class Unpack(ServerStep[None]):
    """Make the root disk of the server's image: a copy, as the image is deleted behind it."""

    name = "unpack"
    long = True
    timeout_seconds = 3600
    task_state = states.UNSHELVING

    def execute(self, ctx: StepContext) -> None:
        if IMAGE not in ctx.claim.params:
            return
        storage, server = self.drivers(ctx).storage, self.server(ctx)
        moving.clear_pool(str(server.id), self.drivers(ctx))
        cached = fetch_image.cache_image(ctx, storage, *images.of_image(_image(ctx)))
        ctx.checkpoint()
        storage.unpack_root(str(server.id), cached, int(server.flavor["disk"]), ctx.stop)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            storage = self.drivers(ctx).storage
            storage.remove_server(str(ctx.subject_id))
            storage.delete_disks(str(ctx.subject_id))


class SpawnUnshelved(PowerStep):
    """Bind the ports to the host and start the guest; with its record the server is ACTIVE.

    Before the start the task says so: a host that cannot be asked any more may have the guest running. Then its revert
    leaves it there, and the run goes on.
    """

    name = "spawn"

    def execute(self, ctx: StepContext) -> Powered:
        server, drivers = self.server(ctx), self.drivers(ctx)
        bindings.move_for_server(server_id=server.id, host=ctx.host)
        moving.plug(server.id, drivers)
        moving.take_volumes(server, drivers)
        spec = servers.prepare(server, drivers)
        ctx.checkpoint()
        if server_states.begin_task(server_id=server.id, task_state=states.SPAWNING) is None:
            raise LeaseLost
        drivers.hypervisor.start(spec)
        wait_for_ports(ports_of(spec), drivers)
        return self.read_power(ctx)

    def record(self, ctx: StepContext, result: Powered) -> None:
        shelving.mark_unshelved(server_id=ctx.subject_id, host=ctx.host, power_state=result.power_state)

    def revert(self, ctx: StepContext) -> bool:  # type: ignore[override]
        server, drivers = self.server(ctx), self.drivers(ctx) if ctx.on_host else None
        if self._may_run(server, drivers):
            shelving.follow(server_id=server.id, host=ctx.host)
            return True
        if drivers is not None:
            moving.unplug(ctx.subject_id, drivers)
            moving.leave_volumes(server, drivers)
        return False

    def _may_run(self, server: "Server", drivers: HostDrivers | None) -> bool:
        """Destroy the guest; say whether it may run all the same."""
        began = server.task_state == states.SPAWNING
        if drivers is None:
            return began
        try:
            drivers.hypervisor.destroy(str(server.id))
        except DriverError as error:
            if not began:
                raise
            log.warning("guest not held back", server=str(server.id), error=error.message)
            return True
        server_states.begin_task(server_id=server.id, task_state=states.UNSHELVING)
        return False


class PowerOnShelved(PowerOn):
    """Start the guest on the host that it did not leave."""

    task_state = states.UNSHELVING

    def record(self, ctx: StepContext, result: Powered) -> None:
        shelving.mark_unshelved(server_id=ctx.subject_id, host=ctx.host, power_state=result.power_state)

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        if ctx.on_host:
            self.drivers(ctx).hypervisor.stop(str(ctx.subject_id), 0)
        server_states.end_task(server_id=ctx.subject_id)


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether the image is kept."""

    is_kept: bool


class ForgetImage(ServerStep[Kept]):
    """Delete the image of the disk, and end the task. It is behind the pivot: the guest runs."""

    name = "forget_image"
    role = SCHEDULER

    def execute(self, ctx: StepContext) -> Kept:
        """A guest that may not run may have no other copy of its disk: its host's recovery deletes the image later."""
        is_known = self.server(ctx).power_state != states.NOSTATE
        if is_known and IMAGE in ctx.claim.params:
            image_services.discard(image_id=uuid.UUID(ctx.claim.params[IMAGE]))
        return Kept(not is_known)

    def record(self, ctx: StepContext, result: Kept) -> None:
        if result.is_kept:
            server_states.end_task(server_id=ctx.subject_id)
        else:
            shelving.forget_image(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        server_states.end_task(server_id=ctx.subject_id)


def _image(ctx: StepContext) -> "Image":
    image = image_selectors.live().filter(id=ctx.claim.params[IMAGE]).first()
    if image is None or not image.os_hash_value:
        raise Abort("The image of the shelved server does not exist any more.", cause="ImageNotFound")
    return image
