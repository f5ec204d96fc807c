"""server.attach_interface: a network card more, also while the guest runs."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.interfaces import PlugInterface, PrepareInterface

PIPELINE = Pipeline(
    name="server.attach_interface",
    subject=SERVER,
    steps=(PrepareInterface(), PlugInterface()),
    when_failed="the server is without the interface",
)
