"""server.revert_resize: back to the host and flavor of before. Until it is there, a failure leaves it where it is."""

from workers.engine.pipeline import Pipeline
from workers.engine.steps import DESTINATION, SOURCE
from workers.engine.subjects import SERVER
from workers.tasks.servers.end_resize import (
    ClearDestination,
    LeaveDestination,
    PrepareReturn,
    ReturnToSource,
    StartAtSource,
)

PIPELINE = Pipeline(
    name="server.revert_resize",
    subject=SERVER,
    steps=(PrepareReturn(), LeaveDestination(), ReturnToSource(), StartAtSource(), ClearDestination()),
    on_host_down={SOURCE: "fail", DESTINATION: "fail"},
    pivot="return_to_source",
    noun="revert",
    when_failed="the server stays where it is, to be confirmed or reverted",
)
