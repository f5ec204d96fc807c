"""Reading servers."""

from apps.common.sql.planned import Statement
from apps.common.sql.rows import Reader
from apps.compute.models import Server

ROW = Reader(Server)
BY_ID = Statement(
    "compute_server_by_id",
    f"SELECT {ROW.columns} FROM compute_server WHERE id = %(id)s AND deleted_at IS NULL",
    {"id": "uuid"},
)
