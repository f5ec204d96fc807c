"""snapshot.create: the content of a volume, kept."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SNAPSHOT
from workers.tasks.volumes.snapshots import CreateSnapshot

PIPELINE = Pipeline(
    name="snapshot.create",
    subject=SNAPSHOT,
    steps=(CreateSnapshot(),),
    creates=True,
    deadline_seconds=5 * 3600,
    when_failed="the snapshot becomes error",
)
