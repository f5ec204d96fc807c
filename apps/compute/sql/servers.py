"""Statements of servers: reading one, and each change that a hot path makes."""

from apps.common.sql.planned import Statement
from apps.common.sql.rows import Reader
from apps.compute import states
from apps.compute.models import Server

ROW = Reader(Server)
BY_ID = Statement(
    "compute_server_by_id",
    f"SELECT {ROW.columns} FROM compute_server WHERE id = %(id)s AND deleted_at IS NULL",
    {"id": "uuid"},
)
_BEGIN_TASK = f"""
UPDATE compute_server SET task_state = %(task_state)s, updated_at = clock_timestamp()
 WHERE id = {{which}} AND deleted_at IS NULL AND task_state = ANY(%(before)s) RETURNING {ROW.columns}
"""
BEGIN_TASK_TYPES = {"task_state": "text", "before": "text[]"}
BEGIN_TASK = Statement(
    "compute_server_begin_task", _BEGIN_TASK.format(which="%(id)s"), {**BEGIN_TASK_TYPES, "id": "uuid"}
)
# Begin an action on the server as it is now; ``vm_states`` NULL: any. ``any_lock``: a locked server too.
BEGIN_ACTION = Statement(
    "compute_server_begin_action",
    f"""
UPDATE compute_server SET task_state = %(task_state)s, updated_at = clock_timestamp()
 WHERE id = %(id)s AND deleted_at IS NULL AND task_state = ANY(%(before)s)
   AND (%(vm_states)s IS NULL OR vm_state = ANY(%(vm_states)s)) AND (%(any_lock)s OR NOT locked)
RETURNING {ROW.columns}
""",
    {"id": "uuid", "task_state": "text", "before": "text[]", "vm_states": "text[]", "any_lock": "boolean"},
)
# Begin a task within the claim of a step, in one statement, and its lock (services/claims.ClaimExtension).
BEGIN_TASK_OF_CLAIMED = _BEGIN_TASK.format(which="(SELECT subject_id FROM claimed)")
LOCK_SUBJECT = "SELECT id FROM compute_server WHERE id = %(subject)s FOR NO KEY UPDATE"
SET_HOST = Statement(
    "compute_server_set_host",
    "UPDATE compute_server SET host = %(host)s, zone = %(zone)s, updated_at = clock_timestamp() WHERE id = %(id)s",
    {"host": "text", "zone": "text", "id": "uuid"},
)
MARK_ACTIVE = Statement(
    "compute_server_mark_active",
    f"""
UPDATE compute_server
   SET vm_state = '{states.ACTIVE}', task_state = '', power_state = {states.RUNNING}, progress = 100,
       launched_at = clock_timestamp(), updated_at = clock_timestamp(),
       fault_code = NULL, fault_message = '', fault_details = '', fault_at = NULL, admin_password = ''
 WHERE id = %(id)s
""",
    {"id": "uuid"},
)
