"""snapshot.unmanage: a snapshot's row goes, its data stays with the volume."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SNAPSHOT
from workers.tasks.volumes.managing import ReleaseSnapshot

PIPELINE = Pipeline(
    name="snapshot.unmanage",
    subject=SNAPSHOT,
    steps=(ReleaseSnapshot(),),
    releases=True,
    deadline_seconds=3600,
    when_failed="the snapshot stays as it is",
)
