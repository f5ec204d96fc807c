"""Members of shared images."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.images.api.documents import members as documents
from apps.images.api.serializers import members as serializers
from apps.images.api.views.base import ImageView, ReadOnlyItem, WholeCollection
from apps.images.exceptions import MemberNotFound
from apps.images.selectors import members as selectors
from apps.images.services import members


class Members(ImageView, WholeCollection):
    """List and add."""

    plural, schema_path = "members", "/v2/schemas/members"
    request_serializers = {"post": serializers.MemberCreate}
    examples = {"POST": {"member": "<project id>"}}

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, "get_members")

    def rows(self) -> Any:
        return selectors.visible(context=self.caller, image=self.image(self.kwargs["image_id"]))

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def post(self, request: Request, image_id: str) -> Response:
        parsed = self.parse(request)
        member = members.add(image=self.image(image_id, "add_member"), member_id=parsed["member"])
        return Response(documents.render(member))


class MemberItem(ImageView, ReadOnlyItem):
    """Show, answer, remove."""

    rules = {"show": "get_members"}
    request_serializers = {"put": serializers.MemberUpdate}
    examples = {"PUT": {"status": "accepted"}}

    def load(self, image_id: str, member_id: str) -> Any:
        return selectors.get(context=self.caller, image=self.image(image_id), member_id=member_id)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def put(self, request: Request, image_id: str, member_id: str) -> Response:
        parsed = self.parse(request)
        image = self.image(image_id)
        member = selectors.get(context=self.caller, image=image, member_id=member_id)
        policy.check(self.caller, "modify_member", {"project_id": image.project_id, "member_id": member_id})
        return Response(self.document(members.set_status(member=member, status=parsed["status"])))

    def delete(self, request: Request, image_id: str, member_id: str) -> Response:
        if "\x00" in member_id:
            raise MemberNotFound(member=member_id[:64], id=image_id[:64])
        image = self.image(image_id, "delete_member")
        members.remove(member=selectors.get(context=self.caller, image=image, member_id=member_id))
        return Response(status=204)
