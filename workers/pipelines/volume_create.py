"""volume.create: from an accepted request to an available volume."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.create import CreateVolume
from workers.tasks.volumes.schedule import ScheduleVolume

PIPELINE = Pipeline(
    name="volume.create",
    subject=VOLUME,
    steps=(ScheduleVolume(), CreateVolume()),
    on_retryable="reschedule",
    on_host_down="elsewhere",
    creates=True,
    deadline_seconds=14 * 3600,
    when_failed="the volume becomes error",
)
