"""server.start."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import PowerOn

PIPELINE = Pipeline(
    name="server.start",
    subject=SERVER,
    steps=(PowerOn(),),
    when_failed="the server's state is read from its host",
)
