"""server.attach_volume: a disk more, also while the guest runs."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.volumes import PlugVolume

PIPELINE = Pipeline(
    name="server.attach_volume",
    subject=SERVER,
    steps=(PlugVolume(),),
    when_failed="the server is without the volume",
)
