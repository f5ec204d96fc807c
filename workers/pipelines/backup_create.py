"""backup.create: the content of a volume, in the store of backups."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import BACKUP
from workers.tasks.volumes.backups import BeginBackup, CreateBackup

PIPELINE = Pipeline(
    name="backup.create",
    subject=BACKUP,
    steps=(BeginBackup(), CreateBackup()),
    creates=True,
    deadline_seconds=14 * 3600,
    when_failed="the backup becomes error",
)
