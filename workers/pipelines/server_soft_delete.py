"""server.soft_delete: power off; a delete follows when the time for a restore is over."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.soft_delete import SoftDelete

PIPELINE = Pipeline(
    name="server.soft_delete",
    subject=SERVER,
    steps=(SoftDelete(),),
    on_host_down="rows_only",
    noun="delete",
    when_failed="the server's state is read from its host",
)
