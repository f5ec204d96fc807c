"""server.pause."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import Pause

PIPELINE = Pipeline(
    name="server.pause",
    subject=SERVER,
    steps=(Pause(),),
    when_failed="the server's state is read from its host",
)
