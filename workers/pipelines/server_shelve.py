"""server.shelve: the disk becomes an image, then the server leaves its host, if that is due at once."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.shelve import Offload, PowerOffToShelve, SnapshotShelved, UploadShelved

PIPELINE = Pipeline(
    name="server.shelve",
    subject=SERVER,
    steps=(PowerOffToShelve(), SnapshotShelved(), UploadShelved(), Offload()),
    on_host_down="fail",
    pivot="upload",
    io_heavy=True,
    deadline_seconds=7200,
    noun="shelving",
    when_failed="the image is deleted, and the server starts again if it ran before",
)
