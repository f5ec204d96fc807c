"""server.create_backup: the root disk as an image, and older backups of its type deleted."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import SERVER
from workers.tasks.servers.snapshots import Rotate, Snapshot, UploadBackup

PIPELINE = Pipeline(
    name="server.create_backup",
    subject=SERVER,
    steps=(Snapshot(), UploadBackup(), Rotate()),
    on_host_down="fail",
    pivot="upload",
    io_heavy=True,
    deadline_seconds=7200,
    noun="backup",
    when_failed="the image is deleted, and the server stays as it is",
)
