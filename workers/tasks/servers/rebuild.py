"""The steps of a rebuild: the server's disks are made again, of another image perhaps, on the same host."""

import uuid
from contextlib import suppress

from apps.compute import states
from apps.compute.services import server_disks
from apps.compute.services.root_volumes import REIMAGE
from apps.networking.services import bindings
from apps.volumes.services import server_volumes
from workers.drivers.errors import DriverError
from workers.engine.errors import Abort, TooLong
from workers.engine.steps import StepContext
from workers.mapping import rescues, servers
from workers.tasks.servers import fetch_image, unfinished, volumes_of_server
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports
from workers.tasks.servers.power import Powered, PowerStep


class PrepareRebuild(ServerStep[None]):
    """Have the image in the host's cache. With its record the row is that of the rebuilt server.

    As the first step's, its revert ends the task; before the record nothing has changed. Repeated after it, a failure
    leaves the server in ERROR with the disks of before, or a part of the new ones: its host's recovery removes them.
    """

    name = "prepare_rebuild"
    task_state = states.REBUILDING
    timeout_seconds = 800

    def execute(self, ctx: StepContext) -> None:
        server, storage = self.server(ctx), self.drivers(ctx).storage
        if server.rebuild is None:
            raise Abort("The server is not to be rebuilt any more.", cause="RebuildGone")
        if REIMAGE in ctx.claim.params:
            volumes_of_server.cache_image(ctx, storage)
        elif server.image_id is None:
            return  # it boots from a volume, which keeps its content
        elif server.rebuild == server_disks.APPLIED:
            fetch_image.cache(ctx, storage, server)
        else:
            certificates = server.rebuild.get("trusted_image_certificates", server.trusted_image_certificates)
            fetch_image.check_signature(certificates)
            fetch_image.cache_image(ctx, storage, *rescues.image_of(server.rebuild))
            fetch_image.cache_parts(ctx, storage, server.rebuild["image_facts"])

    def record(self, ctx: StepContext, result: None) -> None:
        server_disks.apply_rebuild(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final:
            return
        if ctx.failure is not None and self.server(ctx).rebuild == server_disks.APPLIED:
            self.mark_failed(ctx, ctx.failure, action="rebuild")
        server_disks.cancel_rebuild(server_id=ctx.subject_id)


class Respawn(PowerStep):
    """Destroy the guest with its local disks and make both again; a server that was stopped stays off. A root disk that
    is a volume gets the image's content, if that was asked.

    Repeated, it begins again. Its revert leaves the server in ERROR without guest and disks: it can be rebuilt again,
    and a hard reboot makes the disks of the row's image. A host that cannot now removes them in its recovery.
    """

    name = "respawn"
    task_state = states.REBUILD_SPAWNING
    timeout_seconds = 4 * 3600

    def execute(self, ctx: StepContext) -> Powered:
        server, drivers, reimages = self.server(ctx), self.drivers(ctx), REIMAGE in ctx.claim.params
        if reimages and drivers.volume.capabilities.real_bytes and not ctx.is_long:
            raise TooLong
        ctx.checkpoint()
        unfinished.clear(server, drivers)
        if reimages:
            volumes_of_server.reimage(ctx, drivers)
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
        if wanted := ctx.claim.params.get(REIMAGE):
            server_volumes.set_image(volume_id=uuid.UUID(wanted["volume"]), image_metadata=wanted["metadata"])
        bindings.set_server_status(server_id=ctx.subject_id, up=result.power_state == "running")

    def revert(self, ctx: StepContext) -> None:
        if not ctx.final or ctx.failure is None:
            return
        self.mark_failed(ctx, ctx.failure, action="rebuild")
        if not ctx.on_host:
            return
        with suppress(DriverError):
            volumes_of_server.end_reimage(ctx, self.drivers(ctx))
            unfinished.clear(self.server(ctx), self.drivers(ctx))
            server_disks.forget_rebuild(server_id=ctx.subject_id)
