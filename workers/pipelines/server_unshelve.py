"""server.unshelve: a host is chosen, and the guest starts there from the image of its disk."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.unshelve import ForgetImage, ScheduleUnshelve, SpawnUnshelved, Unpack

PIPELINE = Pipeline(
    name="server.unshelve",
    subject=SERVER,
    steps=(ScheduleUnshelve(), Unpack(), SpawnUnshelved(), ForgetImage()),
    on_retryable="reschedule",
    on_host_down="elsewhere",
    pivot="spawn",
    io_heavy=True,
    deadline_seconds=7200,
    when_failed="the server stays shelved",
)
