"""server.detach_interface: a network card less, once the guest has released it."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.interfaces import ReleaseInterface, UnplugInterface

PIPELINE = Pipeline(
    name="server.detach_interface",
    subject=SERVER,
    steps=(UnplugInterface(), ReleaseInterface()),
    on_host_dead="rows_only",
    pivot="unplug_interface",
    when_failed="the server keeps the interface",
)
