"""Images."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api import queries
from apps.common.api.parsers import JSONParser, JSONPatchParser, OldJSONPatchParser
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.images import patches, states
from apps.images.api import filters, listing, permissions
from apps.images.api.documents import images as documents
from apps.images.api.serializers import images as serializers
from apps.images.api.views.base import Collection, ImageView, Item
from apps.images.exceptions import ImageNotFound
from apps.images.models import Image
from apps.images.selectors import images as selectors
from apps.images.services import images


class Images(Collection):
    """List and create."""

    plural, path = "images", "/v2/images"
    listing = listing.IMAGES
    rules = {"list": "get_images"}
    request_serializers = {"post": serializers.ImageCreate}
    response_serializers = {"get": documents.ImageList, "post": documents.ImageDocument}
    examples = {
        "POST": {"name": "my-image", "disk_format": "qcow2", "container_format": "bare", "visibility": "private"}
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Everywhere else a slash at the end means nothing. Here it is an image whose id is empty, as for Glance.
        if request.method != "POST" and request._request.path.endswith("/images/"):
            raise ImageNotFound(id="")

    def rows(self) -> QuerySet[Image]:
        params = self.request.query_params
        images = selectors.listed(
            context=self.caller,
            visibility=_choice(params.get("visibility"), (*states.VISIBILITIES, "all"), "visibility"),
            member_status=_choice(params.get("member_status"), (*states.MEMBER_STATUSES, "all"), "member_status")
            or states.ACCEPTED,
        )
        return filters.apply(images, queries.plain(params))

    def marked(self) -> QuerySet[Image]:
        return selectors.visible(context=self.caller)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row)

    def post(self, request: Request) -> Response:
        parsed = self.parse(request)
        permissions.check_new(self.caller, parsed["values"])
        image = images.create(context=self.caller, values=parsed["values"], properties=parsed["properties"])
        location = request.build_absolute_uri(f"/image/v2/images/{image.id}")
        headers = {"Location": location, "OpenStack-image-import-methods": ""}
        return Response(documents.render(image), status=201, headers=headers)


def _choice(text: str | None, choices: tuple[str, ...], name: str) -> str | None:
    if text is not None and text not in choices:
        raise BadRequest(f"Invalid {name} value: {text[:64]}. It must be one of: {', '.join(choices)}.")
    return text


class ImageItem(ImageView, Item):
    """Show, patch, delete."""

    rules = {"show": "get_image", "delete": "delete_image"}
    parser_classes = [JSONPatchParser, OldJSONPatchParser, JSONParser]
    response_serializers = {"get": documents.ImageDocument, "patch": documents.ImageDocument}
    request_schemas = {"patch": {JSONPatchParser.media_type: {"type": "array", "items": {"type": "object"}}}}
    examples = {"PATCH": [{"op": "replace", "path": "/name", "value": "new-name"}]}

    def load(self, image_id: str) -> Image:
        return self.image(image_id)

    def render(self, row: Image) -> dict[str, Any]:
        return documents.render(row)

    def patch(self, request: Request, image_id: str) -> Response:
        old = request.content_type.split(";")[0].strip().lower() == OldJSONPatchParser.media_type
        operations = patches.parse(request.data, old=old)
        changes = permissions.checked(self.caller, lambda row: patches.apply(row, operations))
        image = images.update(context=self.caller, image=self.image(image_id, "modify_image"), changes=changes)
        return Response(documents.render(image))

    def remove(self, row: Image) -> None:
        images.delete(image=row)


class ImageTasks(ImageView):
    """The tasks that import an image's data. Images are not imported here, so that none has any."""

    response_serializers = {
        "get": {200: {"type": "object", "properties": {"tasks": {"type": "array", "items": {"type": "object"}}}}}
    }

    def get(self, request: Request, image_id: str) -> Response:
        self.image(image_id, "get_image")
        return Response({"tasks": []})


class Deactivate(ImageView):
    """Forbid the use of an image's data."""

    def post(self, request: Request, image_id: str) -> Response:
        images.deactivate(image=self.image(image_id, "deactivate"))
        return Response(status=204)


class Reactivate(ImageView):
    """Allow the use of an image's data again."""

    def post(self, request: Request, image_id: str) -> Response:
        images.reactivate(image=self.image(image_id, "reactivate"))
        return Response(status=204)
