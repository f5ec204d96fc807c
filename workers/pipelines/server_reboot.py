"""server.reboot."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import Reboot

PIPELINE = Pipeline(
    name="server.reboot",
    subject=SERVER,
    steps=(Reboot(),),
    when_failed="the server's state is read from its host",
)
