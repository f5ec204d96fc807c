"""server.reboot."""

from workers.engine.runner import Pipeline
from workers.tasks.servers.power import Reboot

PIPELINE = Pipeline(name="server.reboot", steps=(Reboot(),))
