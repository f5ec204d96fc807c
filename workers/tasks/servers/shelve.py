"""The steps of shelving: the guest is powered off, its disk becomes an image, its host is left."""

import uuid

from apps.compute import states
from apps.compute.services import server_states, shelving
from apps.compute.services.unfilled_images import IMAGE
from apps.images.services import images
from workers.engine.steps import StepContext
from workers.tasks.servers import moving, volumes_of_server
from workers.tasks.servers.base import ServerStep
from workers.tasks.servers.power import GRACEFUL_STOP_SECONDS
from workers.tasks.servers.snapshots import Snapshot, Upload


class PowerOffToShelve(ServerStep[None]):
    """As the first step's, its revert ends the task; a guest that ran is started again. What was paused or suspended is
    off then, as a guest that is shelved is.
    """

    name = "power_off"
    task_state = states.SHELVING

    def execute(self, ctx: StepContext) -> None:
        ctx.checkpoint()
        self.drivers(ctx).hypervisor.stop(str(ctx.subject_id), GRACEFUL_STOP_SECONDS)

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        images.discard_unfilled(run_id=ctx.claim.run_id)
        server = self.server(ctx)
        if not ctx.on_host:
            server_states.forget_power_state(server_id=ctx.subject_id)
            server_states.end_task(server_id=ctx.subject_id)
            return
        drivers = self.drivers(ctx)
        if server.vm_state == states.ACTIVE:
            moving.start(server, drivers)
        info = drivers.hypervisor.info(str(ctx.subject_id))
        server_states.set_power_state(
            server_id=ctx.subject_id, power_state=str(info.power_state) if info else "shutdown"
        )


class SnapshotShelved(Snapshot):
    """A server that boots from a volume has no disk to keep."""

    task_state = states.SHELVING_IMAGE_PENDING_UPLOAD

    def execute(self, ctx: StepContext) -> None:
        if IMAGE in ctx.claim.params:
            super().execute(ctx)


class UploadShelved(Upload):
    task_state = states.SHELVING_IMAGE_UPLOADING

    def execute(self, ctx: StepContext) -> None:
        if IMAGE in ctx.claim.params:
            super().execute(ctx)

    def record(self, ctx: StepContext, result: None) -> None:
        image = ctx.claim.params.get(IMAGE)
        shelving.mark_shelved(server_id=ctx.subject_id, image_id=uuid.UUID(image) if image else None)


class Offload(ServerStep[None]):
    """Take the server from its host; without an image a guest that runs is powered off. Of a host that is out of reach
    the recovery removes what is left.
    """

    name = "offload"
    task_state = states.SHELVING_OFFLOADING
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if not (self._leaves(ctx) and ctx.on_host):
            return
        drivers, server = self.drivers(ctx), self.server(ctx)
        ctx.checkpoint()
        drivers.hypervisor.destroy(str(server.id))
        moving.unplug(server.id, drivers)
        if server.has_volumes:
            moving.leave_volumes(server, drivers)
        drivers.storage.remove_server(str(server.id))
        drivers.storage.delete_disks(str(server.id))

    def record(self, ctx: StepContext, result: None) -> None:
        if not self._leaves(ctx):
            server_states.end_task(server_id=ctx.subject_id)
            return
        if not ctx.on_host:
            volumes_of_server.close_elsewhere(ctx.subject_id)
        shelving.mark_offloaded(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.final:
            server_states.end_task(server_id=ctx.subject_id)

    def _leaves(self, ctx: StepContext) -> bool:
        return bool(ctx.claim.params.get(shelving.OFFLOAD, True))
