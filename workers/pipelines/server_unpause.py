"""server.unpause."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import Unpause

PIPELINE = Pipeline(
    name="server.unpause",
    subject=SERVER,
    steps=(Unpause(),),
    when_failed="the server's state is read from its host",
)
