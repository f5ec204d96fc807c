"""map_block_devices: which disk is which device."""

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.compute.services import block_devices, server_states
from workers.engine.steps import StepContext
from workers.tasks.servers.base import ServerStep


class MapBlockDevices(ServerStep[None]):
    """Root is vda; ephemeral disks and swap follow in order of their position. Other buses have other names.

    Nothing is undone: the next attempt gives the same names.
    """

    name = "map_block_devices"
    task_state = states.BLOCK_DEVICE_MAPPING

    def execute(self, ctx: StepContext) -> None:
        devices = selectors.block_devices(server_id=ctx.subject_id)
        device_names = block_devices.names(devices, self.server(ctx).image_properties)
        names = {device.id: name for device, name in zip(devices, device_names, strict=True)}
        if any(device.device != names[device.id] for device in devices):
            server_states.map_devices(server_id=ctx.subject_id, devices=names, root=names[devices[0].id])
