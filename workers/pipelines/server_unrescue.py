"""server.unrescue."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.rescue import LeaveRescue

PIPELINE = Pipeline(
    name="server.unrescue",
    subject=SERVER,
    steps=(LeaveRescue(),),
    when_failed="the server stays rescued",
)
