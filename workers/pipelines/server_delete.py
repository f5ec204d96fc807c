"""server.delete: legal in every state; releases everything, whether or not it exists."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.remove import Destroy, Release

PIPELINE = Pipeline(
    name="server.delete",
    subject=SERVER,
    steps=(Destroy(), Release()),
    on_host_down="rows_only",
    releases=True,
    when_failed="the server becomes ERROR and can be deleted again",
)
