"""snapshot.delete: forgets a snapshot, and gives back the space that it alone took."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SNAPSHOT
from workers.tasks.volumes.snapshots import DeleteSnapshot

PIPELINE = Pipeline(
    name="snapshot.delete",
    subject=SNAPSHOT,
    steps=(DeleteSnapshot(),),
    on_host_down="rows_only",
    releases=True,
    deadline_seconds=5 * 3600,
    when_failed="the snapshot becomes error_deleting and can be deleted again",
)
