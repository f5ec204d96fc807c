"""spawn: disks, config drive, domain, power on, ports up."""

from dataclasses import dataclass

from apps.compute import states
from apps.compute.services import server_states, server_volumes
from apps.networking.services import bindings
from apps.scheduling.services import builds
from workers.engine.steps import StepContext
from workers.mapping import servers
from workers.tasks.servers import moving
from workers.tasks.servers.base import ServerStep, ports_of, wait_for_ports


@dataclass(frozen=True, slots=True)
class Spawned:
    """Whether the guest has network cards, and volumes."""

    has_networks: bool
    has_volumes: bool = False


class Spawn(ServerStep[Spawned]):
    """The last step: it ends with the server ACTIVE and its reservations turned into use."""

    name = "spawn"
    task_state = states.SPAWNING

    def execute(self, ctx: StepContext) -> Spawned:
        server, drivers = self.server(ctx), self.drivers(ctx)
        moving.clear_pool(str(server.id), drivers)
        spec = servers.prepare(server, drivers)
        ctx.checkpoint()
        drivers.hypervisor.spawn(spec)
        wait_for_ports(ports_of(spec), drivers)
        return Spawned(has_networks=bool(spec.interfaces), has_volumes=server.has_volumes)

    def record(self, ctx: StepContext, result: Spawned) -> None:
        server_states.mark_active(server_id=ctx.subject_id)
        if result.has_volumes:
            server_volumes.mark_attached(server_id=ctx.subject_id)
        if result.has_networks:
            bindings.set_server_status(server_id=ctx.subject_id, up=True)
        builds.succeeded(host=ctx.host)

    def record_shared(self, ctx: StepContext) -> None:
        server_states.commit_quota(server_id=ctx.subject_id)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            drivers = self.drivers(ctx)
            drivers.hypervisor.destroy(str(ctx.subject_id))
            drivers.storage.remove_server(str(ctx.subject_id))
            drivers.storage.delete_disks(str(ctx.subject_id))
