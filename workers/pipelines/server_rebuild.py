"""server.rebuild."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.rebuild import PrepareRebuild, Respawn

PIPELINE = Pipeline(
    name="server.rebuild",
    subject=SERVER,
    steps=(PrepareRebuild(), Respawn()),
    io_heavy=True,
    when_failed="the server is as it was, or becomes ERROR once its disks were removed",
)
