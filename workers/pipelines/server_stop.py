"""server.stop."""

from workers.engine.runner import Pipeline
from workers.tasks.servers.power import PowerOff

PIPELINE = Pipeline(name="server.stop", steps=(PowerOff(),))
