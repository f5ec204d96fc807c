"""Reading messages."""

from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Concat, Replace, Upper
from django.utils import timezone

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import MessageNotFound
from apps.volumes.models import Message


def visible(*, context: RequestContext) -> QuerySet[Message]:
    """Return the messages of the caller's project, with their ``event_id``; all for administrators."""
    event = Upper(Replace("event", Value(" "), Value("_")))
    kept = Message.objects.filter(expires_at__gt=timezone.now())
    rows = kept.annotate(event_id=Concat("resource_type", Value("_"), event))
    return rows if context.is_admin else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, message_id: Any) -> Message:
    """Raises MessageNotFound (404). 1 query."""
    key = parse_uuid(message_id)
    row = visible(context=context).filter(id=key).first() if key else None
    if row is None:
        raise MessageNotFound(message=str(message_id)[:64])
    return row
