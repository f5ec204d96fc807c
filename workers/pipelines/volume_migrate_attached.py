"""volume.migrate_attached: the same for a volume that a server has, while its guest runs. The server's host copies."""

from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, HOST, SOURCE
from workers.engine.subjects import VOLUME
from workers.tasks.volumes.migrate import RemoveSource
from workers.tasks.volumes.migrate_attached import MakeTarget, MoveGuest, ScheduleTargetOfAttached

PIPELINE = Pipeline(
    name="volume.migrate_attached",
    subject=VOLUME,
    steps=(ScheduleTargetOfAttached(), MakeTarget(), MoveGuest(), RemoveSource()),
    on_retryable="reschedule",
    chooses=DESTINATION,
    on_host_down={SOURCE: "wait", DESTINATION: "elsewhere", HOST: "wait"},
    pivot="move_guest",
    deadline_seconds=14 * 3600,
    when_failed="the volume stays where it is",
)
