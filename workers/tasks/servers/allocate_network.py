"""allocate_network: ports, MAC, fixed IPs as rows, which the network worker programs; then the host's side."""

import uuid

from django.conf import settings

from apps.compute import states
from apps.networking.services import automatic_floating_ips, bindings
from apps.networking.values import RequestedNetwork
from workers.engine.steps import StepContext
from workers.mapping import networks
from workers.tasks.servers.base import ServerStep


class AllocateNetwork(ServerStep[None]):
    name = "allocate_network"
    task_state = states.NETWORKING

    def execute(self, ctx: StepContext) -> None:
        server = self.server(ctx)
        if not server.requested_networks:
            return
        drivers = self.drivers(ctx)
        ports = bindings.allocate_for_server(
            server_id=server.id,
            project_id=server.project_id,
            host=ctx.host,
            requests=[RequestedNetwork.from_row(row) for row in server.requested_networks],
            security_groups=[uuid.UUID(group) for group in server.security_groups],
            zone=server.zone or "nova",
            hostname=server.hostname,
        )
        if settings.AUTO_ASSIGN_FLOATING_IP:
            automatic_floating_ips.assign(server_id=server.id, project_id=server.project_id)
        for port in ports:
            drivers.network.plug(networks.port_spec(port))

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            drivers = self.drivers(ctx)
            for port in networks.ports_of(ctx.subject_id):
                drivers.network.unplug(port.id)
        bindings.release_for_server(server_id=ctx.subject_id)
