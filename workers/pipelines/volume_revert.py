"""volume.revert: the content of the newest snapshot, again."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.revert import RevertVolume

PIPELINE = Pipeline(
    name="volume.revert",
    subject=VOLUME,
    steps=(RevertVolume(),),
    deadline_seconds=5 * 3600,
    when_failed="the volume keeps its content",
)
