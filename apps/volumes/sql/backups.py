"""Statements of backups: reading one, and the change that the claim of a step makes."""

from apps.common.sql.planned import Statement
from apps.common.sql.rows import Reader
from apps.volumes.models import Backup

ROW = Reader(Backup)
BY_ID = Statement(
    "volumes_backup_by_id",
    f"SELECT {ROW.columns} FROM volumes_backup WHERE id = %(id)s AND deleted_at IS NULL",
    {"id": "uuid"},
)
_BEGIN = f"""
UPDATE volumes_backup SET status = %(status)s, updated_at = clock_timestamp()
 WHERE id = {{which}} AND deleted_at IS NULL AND status = ANY(%(before)s) RETURNING {ROW.columns}
"""
BEGIN_TYPES = {"status": "text", "before": "text[]"}
BEGIN = Statement("volumes_backup_begin", _BEGIN.format(which="%(id)s"), {**BEGIN_TYPES, "id": "uuid"})
BEGIN_OF_CLAIMED = _BEGIN.format(which="(SELECT subject_id FROM claimed)")
LOCK_SUBJECT = "SELECT id FROM volumes_backup WHERE id = %(subject)s FOR NO KEY UPDATE"
