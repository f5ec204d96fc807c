"""server.evacuate: from a dead host to another one, with its volumes; local disks are made again from the image."""

from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, SOURCE
from workers.engine.subjects import SERVER
from workers.tasks.servers.evacuate import ClearEvacuated, Recreate, ScheduleEvacuation

PIPELINE = Pipeline(
    name="server.evacuate",
    subject=SERVER,
    steps=(ScheduleEvacuation(), Recreate(), ClearEvacuated()),
    on_retryable="reschedule",
    chooses=DESTINATION,
    on_host_down={SOURCE: "rows_only", DESTINATION: "elsewhere"},
    pivot="recreate",
    io_heavy=True,
    deadline_seconds=3600,
    noun="evacuation",
    when_failed="the server stays on its dead host, and can be evacuated again",
)
