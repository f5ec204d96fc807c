"""volume.migrate: to another back end, or another host. Until its data is there, a failure leaves it where it is."""

from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, SOURCE
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.migrate import CopyVolume, RemoveSource, ScheduleTarget

PIPELINE = Pipeline(
    name="volume.migrate",
    subject=VOLUME,
    steps=(ScheduleTarget(), CopyVolume(), RemoveSource()),
    on_retryable="reschedule",
    chooses=DESTINATION,
    on_host_down={SOURCE: "fail", DESTINATION: "elsewhere"},
    pivot="copy",
    deadline_seconds=14 * 3600,
    when_failed="the volume stays where it is",
)
