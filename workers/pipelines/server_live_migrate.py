"""server.live_migrate: to another host, while the guest runs. Until it has left its host, a failure leaves it there."""

from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, SOURCE
from workers.engine.subjects import SERVER
from workers.tasks.servers.destinations import ScheduleLiveDestination
from workers.tasks.servers.live_migrate import Arrive, ClearSource, Migrate, Prepare

PIPELINE = Pipeline(
    name="server.live_migrate",
    subject=SERVER,
    steps=(ScheduleLiveDestination(), Prepare(), Migrate(), Arrive(), ClearSource()),
    on_retryable="reschedule",
    chooses=DESTINATION,
    on_host_down={SOURCE: "fail", DESTINATION: "elsewhere"},
    pivot="migrate",
    io_heavy=True,
    deadline_seconds=8 * 3600,
    noun="live migration",
    when_failed="the server stays on its host",
)
