"""server.create_image: the root disk as an image. The guest runs on."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.snapshots import Snapshot, Upload

PIPELINE = Pipeline(
    name="server.create_image",
    subject=SERVER,
    steps=(Snapshot(), Upload()),
    on_host_down="fail",
    io_heavy=True,
    deadline_seconds=7200,
    noun="snapshot",
    when_failed="the image is deleted, and the server stays as it is",
)
