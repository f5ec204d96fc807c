"""server.delete_moving: a delete that cancelled a migration. It releases everything on both hosts."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.remove import DestroyAtDestination, DestroyAtSource, Release

PIPELINE = Pipeline(
    name="server.delete_moving",
    subject=SERVER,
    steps=(DestroyAtSource(), DestroyAtDestination(), Release()),
    on_host_down="rows_only",
    releases=True,
    noun="delete",
    when_failed="the server becomes ERROR and can be deleted again",
)
