"""Single tags of images."""

from rest_framework.request import Request

from apps.common.api.views import Response, ServiceView
from apps.images.api.views.images import image_id_of
from apps.images.services import tags


class TagItem(ServiceView):
    """Put a tag on, take it off."""

    def put(self, request: Request, image_id: str, tag: str) -> Response:
        tags.add(context=self.caller, image_id=image_id_of(image_id), tag=tag)
        return Response(status=204)

    def delete(self, request: Request, image_id: str, tag: str) -> Response:
        tags.remove(context=self.caller, image_id=image_id_of(image_id), tag=tag)
        return Response(status=204)
