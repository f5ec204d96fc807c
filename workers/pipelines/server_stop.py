"""server.stop."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import PowerOff

PIPELINE = Pipeline(
    name="server.stop",
    subject=SERVER,
    steps=(PowerOff(),),
    when_failed="the server's state is read from its host",
)
