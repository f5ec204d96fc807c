"""Statements of volumes: reading one, and the change that the claim of a step makes."""

from apps.common.sql.planned import Statement
from apps.common.sql.rows import Reader
from apps.volumes.models import Volume, VolumeType

ROW, TYPE = Reader(Volume), Reader(VolumeType)
# With its type, whose columns come last: documents show it.
BY_ID = Statement(
    "volumes_volume_by_id",
    f"""SELECT {ROW.columns_of("v")}, {TYPE.columns_of("t")}
          FROM volumes_volume v LEFT JOIN volumes_volumetype t ON t.id = v.volume_type_id
         WHERE v.id = %(id)s AND v.deleted_at IS NULL""",
    {"id": "uuid"},
)
_BEGIN = f"""
UPDATE volumes_volume SET status = %(status)s, updated_at = clock_timestamp()
 WHERE id = {{which}} AND deleted_at IS NULL AND status = ANY(%(before)s) RETURNING {ROW.columns}
"""
BEGIN_TYPES = {"status": "text", "before": "text[]"}
BEGIN = Statement("volumes_volume_begin", _BEGIN.format(which="%(id)s"), {**BEGIN_TYPES, "id": "uuid"})
# The same within the claim of a step, in one statement, and its lock (services/claims.ClaimExtension).
BEGIN_OF_CLAIMED = _BEGIN.format(which="(SELECT subject_id FROM claimed)")
LOCK_SUBJECT = "SELECT id FROM volumes_volume WHERE id = %(subject)s FOR NO KEY UPDATE"
