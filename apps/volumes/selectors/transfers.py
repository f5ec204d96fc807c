"""Reading transfers."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import TransferNotFound
from apps.volumes.models import Transfer


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Transfer]:
    """Return the transfers of the caller's project, or of all."""
    rows = Transfer.objects.all()
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, transfer_id: Any) -> Transfer:
    """Return a transfer of the caller's project (of any, for administrators). Raises TransferNotFound (404)."""
    key = parse_uuid(transfer_id)
    row = visible(context=context, all_projects=context.is_admin).filter(id=key).first() if key else None
    if row is None:
        raise TransferNotFound(transfer=str(transfer_id)[:64])
    return row


def offered(*, transfer_id: Any) -> Transfer:
    """Return a transfer that any project with its key may accept. Raises TransferNotFound (404)."""
    key: uuid.UUID | None = parse_uuid(transfer_id)
    row = Transfer.objects.select_related("volume").filter(id=key).first() if key else None
    if row is None:
        raise TransferNotFound(transfer=str(transfer_id)[:64])
    return row
