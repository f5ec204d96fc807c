"""server.build: from an accepted request to an ACTIVE server."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.allocate_network import AllocateNetwork
from workers.tasks.servers.fetch_image import FetchImage
from workers.tasks.servers.map_block_devices import MapBlockDevices
from workers.tasks.servers.schedule import Schedule
from workers.tasks.servers.spawn import Spawn

PIPELINE = Pipeline(
    name="server.build",
    subject=SERVER,
    steps=(Schedule(), AllocateNetwork(), MapBlockDevices(), FetchImage(), Spawn()),
    on_retryable="reschedule",
    on_host_down="elsewhere",
    creates=True,
    io_heavy=True,
    when_failed="the server becomes ERROR",
)
