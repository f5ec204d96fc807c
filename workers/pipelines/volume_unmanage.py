"""volume.unmanage: a volume's row goes, its data stays in the pool."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.managing import ReleaseVolume

PIPELINE = Pipeline(
    name="volume.unmanage",
    subject=VOLUME,
    steps=(ReleaseVolume(),),
    releases=True,
    deadline_seconds=3600,
    when_failed="the volume stays as it is",
)
