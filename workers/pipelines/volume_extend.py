"""volume.extend: a larger volume, also while a server has it."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.extend import ExtendVolume

PIPELINE = Pipeline(
    name="volume.extend",
    subject=VOLUME,
    steps=(ExtendVolume(),),
    deadline_seconds=5 * 3600,
    when_failed="the volume keeps its size",
)
