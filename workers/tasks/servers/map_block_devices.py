"""map_block_devices: which disk is which device."""

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.services import block_devices, server_states
from workers.engine.steps import StepContext
from workers.tasks.servers import volumes_of_server
from workers.tasks.servers.base import ServerStep


class MapBlockDevices(ServerStep[None]):
    """Root is vda; ephemeral disks, swap and volumes follow in order of their position. Other buses have other names.

    Volumes that are not there yet are made on the server's host. Only they are undone: the next attempt gives the same
    names.
    """

    name = "map_block_devices"
    task_state = states.BLOCK_DEVICE_MAPPING
    timeout_seconds = 800  # a volume's image may have to be fetched

    def execute(self, ctx: StepContext) -> None:
        devices = selectors.block_devices(server_id=ctx.subject_id)
        server = self.server(ctx)
        device_names = block_devices.names(devices, server.image_properties)
        names = {device.id: name for device, name in zip(devices, device_names, strict=True)}
        if any(device.device != names[device.id] for device in devices):
            server_states.map_devices(server_id=ctx.subject_id, devices=names, root=names[devices[0].id])
        if any(device.is_volume for device in devices):
            volumes_of_server.connect(ctx, self.drivers(ctx), server, devices)

    def revert(self, ctx: StepContext) -> None:
        if ctx.on_host:
            volumes_of_server.undo(ctx, self.drivers(ctx))
