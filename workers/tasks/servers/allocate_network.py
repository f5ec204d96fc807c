"""allocate_network: ports, MAC, fixed IPs; then DHCP and the bridge on the host."""

import uuid

from apps.compute import states
from apps.networking.services import bindings
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
        for network, port in networks.plugs(ports):
            drivers.network.plug(network, port)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            drivers = self.drivers(ctx)
            for network, port in networks.plugs_of(ctx.subject_id):
                drivers.network.unplug(network.id, port.id)
        bindings.release_for_server(server_id=ctx.subject_id)
