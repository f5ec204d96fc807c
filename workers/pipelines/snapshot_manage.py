"""snapshot.manage: what a volume's pool has becomes a snapshot."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SNAPSHOT
from workers.tasks.volumes.managing import AdoptSnapshot

PIPELINE = Pipeline(
    name="snapshot.manage",
    subject=SNAPSHOT,
    steps=(AdoptSnapshot(),),
    creates=True,
    deadline_seconds=3600,
    when_failed="the snapshot becomes error, what the pool has stays there",
)
