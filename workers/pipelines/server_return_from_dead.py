"""server.return_from_dead: a revert of a migration or a resize whose destination an operator has declared dead."""

from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, SOURCE
from workers.engine.subjects import SERVER
from workers.tasks.servers.end_resize import ClearDestination, PrepareReturn, ReturnFromDead, StartAtSource

PIPELINE = Pipeline(
    name="server.return_from_dead",
    subject=SERVER,
    steps=(PrepareReturn(), ReturnFromDead(), StartAtSource(), ClearDestination()),
    on_host_down={SOURCE: "fail", DESTINATION: "rows_only"},
    pivot="return_to_source",
    noun="revert",
    when_failed="the server stays on its dead host, to be reverted",
)
