"""backup.restore: a backup's content, in a volume that exists."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import BACKUP
from workers.tasks.volumes.backups import RestoreBackup

PIPELINE = Pipeline(
    name="backup.restore",
    subject=BACKUP,
    steps=(RestoreBackup(),),
    deadline_seconds=14 * 3600,
    when_failed="the volume becomes error_restoring",
)
