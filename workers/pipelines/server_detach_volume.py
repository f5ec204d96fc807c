"""server.detach_volume: a disk less, once the guest has released it."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.volumes import DisconnectVolume, UnplugVolume

PIPELINE = Pipeline(
    name="server.detach_volume",
    subject=SERVER,
    steps=(UnplugVolume(), DisconnectVolume()),
    on_host_dead="rows_only",
    pivot="unplug_volume",
    when_failed="the server keeps the volume",
)
