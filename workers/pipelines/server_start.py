"""server.start."""

from workers.engine.runner import Pipeline
from workers.tasks.servers.power import PowerOn

PIPELINE = Pipeline(name="server.start", steps=(PowerOn(),))
