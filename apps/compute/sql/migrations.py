"""Statements of migrations."""

from apps.common.sql.planned import Statement

# ``destination`` NULL: as it is; ``ended``: the statuses that stay.
ADVANCE = Statement(
    "compute_migration_advance",
    """
UPDATE compute_migration
   SET status = %(status)s, destination = coalesce(%(destination)s, destination), updated_at = clock_timestamp()
 WHERE run_id = %(run)s AND status <> ALL(%(ended)s)
""",
    {"run": "uuid", "status": "text", "destination": "text", "ended": "text[]"},
)
