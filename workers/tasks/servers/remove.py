"""The steps of a delete: each releases existing resources, and succeeds if there are none."""

import uuid

from apps.common.context import RequestContext
from apps.compute.services import server_states, server_volumes
from apps.images.services import images
from apps.networking.services import bindings
from workers.engine.steps import DESTINATION, SCHEDULER, SOURCE, StepContext
from workers.mapping import networks
from workers.tasks.servers import volumes_of_server
from workers.tasks.servers.base import ServerStep


class Destroy(ServerStep[None]):
    """Power off and forget the domain, its ports' host side and its files.

    If the host is unreachable, only the rows are removed; its recovery removes the orphans. The revert of
    this first step marks the server ERROR: it can be deleted again.
    """

    name = "destroy"
    rows_only_when_hung = True

    def execute(self, ctx: StepContext) -> None:
        if not ctx.on_host:
            return
        drivers = self.drivers(ctx)
        if ctx.claim.params.get("volumes"):
            volumes_of_server.settle(ctx, drivers)
        drivers.hypervisor.destroy(str(ctx.subject_id), keep=False)
        drivers.hypervisor.settle_arrival(str(ctx.subject_id), runs=False)  # of a live migration that was cancelled
        for port in networks.ports_of(ctx.subject_id):
            drivers.network.unplug(port.id)
        if ctx.claim.params.get("volumes"):
            volumes_of_server.disconnect(ctx, drivers)
        drivers.storage.remove_server(str(ctx.subject_id))
        drivers.storage.delete_disks(str(ctx.subject_id))

    def revert(self, ctx: StepContext) -> None:
        if ctx.final and ctx.failure:
            self.mark_failed(ctx, ctx.failure, action="delete")


class DestroyAtSource(Destroy):
    """The same where a server was that was being moved."""

    name = "destroy_at_source"
    role = SOURCE


class DestroyAtDestination(Destroy):
    """The same where a server that was being moved should have gone."""

    name = "destroy_at_destination"
    role = DESTINATION

    def revert(self, ctx: StepContext) -> None:
        """The revert of the first step marks the server."""


class Release(ServerStep[None]):
    """Ports, addresses and volumes, then allocation, quota and the row, in the transaction that ends the run."""

    name = "release"
    role = SCHEDULER

    def execute(self, ctx: StepContext) -> None:
        bindings.release_for_server(server_id=ctx.subject_id)
        if image := ctx.claim.params.get("shelved_image"):
            images.discard(image_id=uuid.UUID(image))
        if ctx.claim.params.get("volumes"):
            volumes_of_server.close_elsewhere(ctx.subject_id)
            claim = ctx.claim
            context = RequestContext(user_id=claim.user_id, project_id=claim.project_id, request_id=claim.request_id)
            server_volumes.release(context=context, server_id=ctx.subject_id)

    def record(self, ctx: StepContext, result: None) -> None:
        server_states.mark_deleted(server_id=ctx.subject_id, moved="migration" in ctx.claim.params)
