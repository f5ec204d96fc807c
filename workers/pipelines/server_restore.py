"""server.restore."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.soft_delete import Restore

PIPELINE = Pipeline(
    name="server.restore",
    subject=SERVER,
    steps=(Restore(),),
    when_failed="the server stays deleted and can be restored",
)
