"""server.resume."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import Resume

PIPELINE = Pipeline(
    name="server.resume",
    subject=SERVER,
    steps=(Resume(),),
    when_failed="the server's state is read from its host",
)
