"""Members of shared images."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response, ServiceView
from apps.images.api.documents import members as documents
from apps.images.api.serializers import members as serializers
from apps.images.api.views.images import image_id_of
from apps.images.exceptions import MemberNotFound
from apps.images.selectors import images as image_selectors
from apps.images.selectors import members as selectors
from apps.images.services import members


class Members(ServiceView):
    """List and add."""

    request_serializers = {"post": serializers.MemberCreate}
    examples = {"POST": {"member": "<project id>"}}

    def get(self, request: Request, image_id: str) -> Response:
        policy.check(self.caller, "get_members")
        image = image_selectors.get_visible(context=self.caller, image_id=image_id_of(image_id))
        found = selectors.visible(context=self.caller, image=image)
        return Response({"members": [documents.render(one) for one in found], "schema": "/v2/schemas/members"})

    def post(self, request: Request, image_id: str) -> Response:
        parsed = self.parse(request)
        member = members.add(context=self.caller, image_id=image_id_of(image_id), member_id=parsed["member"])
        return Response(documents.render(member))


class MemberItem(ServiceView):
    """Show, answer, remove."""

    request_serializers = {"put": serializers.MemberUpdate}
    examples = {"PUT": {"status": "accepted"}}

    def get(self, request: Request, image_id: str, member_id: str) -> Response:
        policy.check(self.caller, "get_members")
        image = image_selectors.get_visible(context=self.caller, image_id=image_id_of(image_id))
        return Response(documents.render(selectors.get(context=self.caller, image=image, member_id=member_id)))

    def put(self, request: Request, image_id: str, member_id: str) -> Response:
        parsed = self.parse(request)
        member = members.set_status(
            context=self.caller, image_id=image_id_of(image_id), member_id=member_id, status=parsed["status"]
        )
        return Response(documents.render(member))

    def delete(self, request: Request, image_id: str, member_id: str) -> Response:
        if "\x00" in member_id:
            raise MemberNotFound(member=member_id[:64], id=image_id[:64])
        members.remove(context=self.caller, image_id=image_id_of(image_id), member_id=member_id)
        return Response(status=204)
