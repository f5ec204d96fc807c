"""server.delete: legal in every state; releases everything, whether or not it exists."""

from workers.engine.runner import Pipeline
from workers.tasks.servers.remove import Destroy, Release

PIPELINE = Pipeline(name="server.delete", steps=(Destroy(), Release()))
