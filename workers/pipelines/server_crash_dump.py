"""server.crash_dump: the guest gets a non-maskable interrupt."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import InjectNmi

PIPELINE = Pipeline(
    name="server.crash_dump",
    subject=SERVER,
    steps=(InjectNmi(),),
    noun="crash dump",
    when_failed="the server is as it was",
)
