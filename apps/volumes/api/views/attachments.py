"""Attachments (3.27): reserve, connect, complete, delete."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.volumes.api.documents import attachments as documents
from apps.volumes.api.listing import ATTACHMENTS
from apps.volumes.api.serializers import attachments as serializers
from apps.volumes.api.views.base import ActionView, Collection, ReadOnlyItem
from apps.volumes.models import Attachment
from apps.volumes.selectors import attachments as selectors
from apps.volumes.services import attachments

ATTACHMENTS_SINCE, COMPLETE_SINCE = since("3.27"), since("3.44")
RULE = "volume:attachment_{}"


class AttachmentsView(Collection):
    """The attachments of the project's volumes, briefly."""

    plural, listing, rule = "attachments", ATTACHMENTS, "volume:get_all"
    versions, resource = ATTACHMENTS_SINCE, "attachment"
    request_serializers = {"post": serializers.AttachmentCreate}
    examples = {"POST": {"attachment": {"volume_uuid": "<a volume's id>", "instance_uuid": "<a server's id>"}}}

    def rows(self) -> QuerySet[Attachment]:
        everywhere = self.asks_all_projects()
        rows = selectors.visible(context=self.caller, all_projects=everywhere)
        return self.narrowed(rows, all_projects=everywhere)

    def render(self, row: Attachment) -> dict[str, Any]:
        return documents.render_brief(row)

    def post(self, request: Request, **ids: str) -> Response:
        """Reserve a volume for a server; with a connector the disk is opened at once."""
        values = self.parse(request, "attachment")
        volume = self.volume(str(values["volume_uuid"]), RULE.format("create"))
        attachment = attachments.reserve(
            volume=volume, server_id=values.get("instance_uuid"), mode=values.get("mode") or ""
        )
        if values.get("connector"):
            attachment = attachments.connect(attachment=attachment, connector=values["connector"])
        return Response({"attachment": documents.render(attachment)})


class AttachmentsDetailView(AttachmentsView):
    """The attachments of the project's volumes with everything about them."""

    http_method_names = ["get", "head", "options"]

    def render(self, row: Attachment) -> dict[str, Any]:
        return documents.render(row)


class AttachmentView(ReadOnlyItem):
    """One attachment."""

    noun = "attachment"
    versions = ATTACHMENTS_SINCE
    rules = {"show": "volume:get", "update": RULE.format("update"), "delete": RULE.format("delete")}
    request_serializers = {"put": serializers.AttachmentUpdate}
    examples = {"PUT": {"attachment": {"connector": {"host": "h1", "initiator": "iqn"}}}}

    def permit(self, action: str, row: Any = None) -> None:
        self.check(self.rules[action], row.volume if row is not None else None)

    def load(self, attachment_id: str) -> Attachment:
        return selectors.get(context=self.caller, attachment_id=attachment_id)

    def render(self, row: Attachment) -> dict[str, Any]:
        return documents.render(row)

    def put(self, request: Request, attachment_id: str) -> Response:
        attachment = self.permitted("update")
        values = self.parse(request, "attachment")
        row = attachments.connect(attachment=attachment, connector=values["connector"], mode=values.get("mode") or "")
        return Response({"attachment": documents.render(row)})

    def delete(self, request: Request, attachment_id: str) -> Response:
        attachment = self.permitted("delete")
        attachments.delete(attachment=attachment)
        left = selectors.of_volume(volume_id=attachment.volume_id)
        return Response({"attachments": [documents.render_brief(row) for row in left]})


class AttachmentActionView(ActionView):
    """os-complete: the guest has the disk."""

    versions = COMPLETE_SINCE
    ACTIONS = {"os-complete": "complete"}
    action_serializers = {"os-complete": serializers.Complete}
    examples = {"POST": {"os-complete": {}}}

    def post(self, request: Request, attachment_id: str) -> Response:
        self.asked(request)  # its argument says nothing: clients send null, an object or the attachment's ID
        attachment = selectors.get(context=self.caller, attachment_id=attachment_id)
        self.check(RULE.format("complete"), attachment.volume)
        attachments.complete(attachment=attachment)
        return Response(status=204)
