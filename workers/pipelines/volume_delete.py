"""volume.delete: releases everything, whether or not it exists."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.remove import DeleteVolume

PIPELINE = Pipeline(
    name="volume.delete",
    subject=VOLUME,
    steps=(DeleteVolume(),),
    on_host_down="rows_only",
    releases=True,
    deadline_seconds=5 * 3600,
    when_failed="the volume becomes error_deleting and can be deleted again",
)
