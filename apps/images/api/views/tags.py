"""Single tags of images."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.images.api.views.base import ImageView
from apps.images.services import tags


class TagItem(ImageView):
    """Put a tag on, take it off."""

    def put(self, request: Request, image_id: str, tag: str) -> Response:
        tags.add(context=self.caller, image=self.image(image_id, "modify_image"), tag=tag)
        return Response(status=204)

    def delete(self, request: Request, image_id: str, tag: str) -> Response:
        tags.remove(context=self.caller, image=self.image(image_id, "modify_image"), tag=tag)
        return Response(status=204)
