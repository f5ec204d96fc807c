"""backup.delete: removes a backup from the store."""

from workers.engine.pipeline import Pipeline
from workers.engine.subjects import BACKUP
from workers.tasks.volumes.backups import DeleteBackup

PIPELINE = Pipeline(
    name="backup.delete",
    subject=BACKUP,
    steps=(DeleteBackup(),),
    on_host_down="rows_only",
    releases=True,
    deadline_seconds=5 * 3600,
    when_failed="the backup becomes error_deleting and can be deleted again",
)
