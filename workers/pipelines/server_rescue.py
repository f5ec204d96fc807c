"""server.rescue."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.rescue import PrepareRescue, StartRescue

PIPELINE = Pipeline(
    name="server.rescue",
    subject=SERVER,
    steps=(PrepareRescue(), StartRescue()),
    when_failed="the server is as it was",
)
