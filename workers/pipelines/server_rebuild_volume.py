"""server.rebuild_volume: a rebuild of a server that boots from a volume, which gets the content of an image."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.rebuild import PrepareRebuild, Respawn

PIPELINE = Pipeline(
    name="server.rebuild_volume",
    subject=SERVER,
    steps=(PrepareRebuild(), Respawn()),
    io_heavy=True,
    deadline_seconds=5 * 3600,
    noun="rebuild",
    when_failed="the server is as it was, or becomes ERROR once its disks were removed, with a part of the image in "
    "its volume",
)
