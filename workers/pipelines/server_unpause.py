"""server.unpause."""

from workers.engine.runner import Pipeline
from workers.tasks.servers.power import Unpause

PIPELINE = Pipeline(name="server.unpause", steps=(Unpause(),))
