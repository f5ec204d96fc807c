"""server.shelve_offload: a shelved server leaves its host."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.shelve import Offload

PIPELINE = Pipeline(
    name="server.shelve_offload",
    subject=SERVER,
    steps=(Offload(),),
    on_host_down="rows_only",
    noun="offload",
    when_failed="the server stays on its host",
)
