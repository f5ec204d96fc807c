"""volume.manage: what a pool has becomes a volume."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.managing import AdoptVolume, ScheduleManaged

PIPELINE = Pipeline(
    name="volume.manage",
    subject=VOLUME,
    steps=(ScheduleManaged(), AdoptVolume()),
    creates=True,
    on_host_down="fail",
    deadline_seconds=3600,
    when_failed="the volume becomes error, and what the pool has gets its name again",
)
