"""server.suspend."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import Suspend

PIPELINE = Pipeline(
    name="server.suspend",
    subject=SERVER,
    steps=(Suspend(),),
    deadline_seconds=7200,
    when_failed="the server's state is read from its host",
)
