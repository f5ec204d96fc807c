"""server.migrate: to another host, off meanwhile. Until it runs there, a failure leaves it on the source."""

from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, SOURCE
from workers.engine.subjects import SERVER
from workers.tasks.servers.destinations import ScheduleDestination
from workers.tasks.servers.migrate import ClearSource, Copy, Finish, PowerOffSource, Prepare

PIPELINE = Pipeline(
    name="server.migrate",
    subject=SERVER,
    steps=(ScheduleDestination(), Prepare(), PowerOffSource(), Copy(), Finish(), ClearSource()),
    on_retryable="reschedule",
    chooses=DESTINATION,
    on_host_down={SOURCE: "fail", DESTINATION: "elsewhere"},
    pivot="finish",
    io_heavy=True,
    deadline_seconds=7200,
    noun="migration",
    when_failed="the server stays on its host",
)
