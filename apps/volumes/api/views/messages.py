"""Messages about what failed (3.3)."""

from typing import Any

from django.db.models import QuerySet

from apps.common.api.documents import microseconds
from apps.common.microversions import since
from apps.volumes.api.listing import MESSAGES
from apps.volumes.api.views.base import Collection, Item, VolumeView
from apps.volumes.models import Message
from apps.volumes.selectors import messages as selectors
from apps.volumes.services import messages

RULE = "message:{}"


class _MessageView(VolumeView):
    versions = since("3.3")

    def render(self, row: Message) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "event_id": row.event_id,  # type: ignore[attr-defined]  # annotated by the selectors
            "user_message": f"{row.event}: {row.text}",
            "message_level": "ERROR",
            "created_at": microseconds(row.created_at),
            "guaranteed_until": microseconds(row.expires_at),
            "request_id": row.request_id,
            "resource_type": row.resource_type,
            "resource_uuid": str(row.resource_id),
            "links": self.links.of("messages", row.id),
        }


class MessagesView(_MessageView, Collection):
    """The project's messages."""

    resource = "message"
    plural, listing, rule = "messages", MESSAGES, RULE.format("get_all")
    pages_since, before_pages = since("3.5"), (MESSAGES, ())

    def rows(self) -> QuerySet[Message]:
        return self.narrowed(selectors.visible(context=self.caller), all_projects=self.caller.is_admin)


class MessageView(_MessageView, Item):
    """One message."""

    noun = "message"
    code_of_delete = 204
    rules = {"show": RULE.format("get"), "delete": RULE.format("delete")}

    def load(self, message_id: str) -> Message:
        return selectors.get(context=self.caller, message_id=message_id)

    def remove(self, row: Message) -> None:
        messages.delete(message=row)
