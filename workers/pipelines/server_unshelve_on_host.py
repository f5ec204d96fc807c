"""server.unshelve_on_host: a server that has not left its host starts there."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.unshelve import ForgetImage, PowerOnShelved

PIPELINE = Pipeline(
    name="server.unshelve_on_host",
    subject=SERVER,
    steps=(PowerOnShelved(), ForgetImage()),
    pivot="power_on",
    noun="unshelve",
    when_failed="the server stays shelved",
)
