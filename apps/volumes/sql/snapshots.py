"""Statements of snapshots: reading one, and the change that the claim of a step makes."""

from apps.common.sql.planned import Statement
from apps.common.sql.rows import Reader
from apps.volumes.models import Snapshot

ROW = Reader(Snapshot)
BY_ID = Statement(
    "volumes_snapshot_by_id",
    f"SELECT {ROW.columns} FROM volumes_snapshot WHERE id = %(id)s AND deleted_at IS NULL",
    {"id": "uuid"},
)
_BEGIN = f"""
UPDATE volumes_snapshot SET status = %(status)s, updated_at = clock_timestamp()
 WHERE id = {{which}} AND deleted_at IS NULL AND status = ANY(%(before)s) RETURNING {ROW.columns}
"""
BEGIN_TYPES = {"status": "text", "before": "text[]"}
BEGIN = Statement("volumes_snapshot_begin", _BEGIN.format(which="%(id)s"), {**BEGIN_TYPES, "id": "uuid"})
BEGIN_OF_CLAIMED = _BEGIN.format(which="(SELECT subject_id FROM claimed)")
LOCK_SUBJECT = "SELECT id FROM volumes_snapshot WHERE id = %(subject)s FOR NO KEY UPDATE"
