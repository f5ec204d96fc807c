"""Reading group types."""

from typing import Any

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import GroupTypeNotFound
from apps.volumes.models import GroupType


def visible(*, context: RequestContext) -> QuerySet[GroupType]:
    """Return public types; all for administrators."""
    rows = GroupType.objects.all()
    return rows if context.is_admin else rows.filter(is_public=True)


def get(*, context: RequestContext, key: Any) -> GroupType:
    """Return a type by its ID or its name. Raises GroupTypeNotFound (404). 1 query."""
    text, type_id = str(key)[:255], parse_uuid(key)
    rows = visible(context=context).filter(Q(name=text) | Q(id=type_id) if type_id else Q(name=text))
    row = min(rows, key=lambda row: row.id != type_id, default=None)
    if row is None:
        raise GroupTypeNotFound(type=text[:64])
    return row
