"""Images."""

import uuid
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.parsers import JSONParser, JSONPatchParser, OldJSONPatchParser
from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.common.pagination import limit_of, page
from apps.images import patches, states
from apps.images.api.documents import images as documents
from apps.images.api.serializers import images as serializers
from apps.images.exceptions import ImageNotFound
from apps.images.models import Image
from apps.images.selectors import filters
from apps.images.selectors import images as selectors
from apps.images.services import images

SORT_KEYS = {
    "name": "name",
    "status": "status",
    "container_format": "container_format",
    "disk_format": "disk_format",
    "size": "size",
    "id": "id",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "owner": "project_id",
    "visibility": "visibility",
}
DEFAULT_LIMIT = 25


def image_id_of(text: str) -> uuid.UUID:
    """Return the id in a URL. Raises ImageNotFound (404) for what is none: clients look names up that way."""
    found = parse_uuid(text)
    if found is None:
        raise ImageNotFound(id=text[:255])
    return found


class Images(ServiceView):
    """List and create."""

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

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "get_images")
        params = request.query_params
        found = selectors.listed(
            context=self.caller,
            visibility=_choice(params.get("visibility"), (*states.VISIBILITIES, "all"), "visibility"),
            member_status=_choice(params.get("member_status"), (*states.MEMBER_STATUSES, "all"), "member_status")
            or states.ACCEPTED,
        )
        found = filters.apply(found, dict(params.lists()))
        limit = limit_of(params, zero=0) if params.get("limit") else DEFAULT_LIMIT
        images_, more = page(found, sort=_sort(params), marker=self._marker(params.get("marker")), limit=limit)
        body: dict[str, Any] = {
            "images": [documents.render(image) for image in images_],
            "first": _link(request, None),
            "schema": "/v2/schemas/images",
        }
        if more and images_:
            body["next"] = _link(request, str(images_[-1].id))
        return Response(body)

    def _marker(self, text: str | None) -> Image | None:
        if not text:
            return None
        image_id = parse_uuid(text)
        found = selectors.visible(context=self.caller).filter(id=image_id).first() if image_id else None
        if found is None:
            raise BadRequest(f"Invalid marker: no image with ID {text[:64]}.")
        return found

    def post(self, request: Request) -> Response:
        parsed = self.parse(request)
        image = images.create(context=self.caller, values=parsed["values"], properties=parsed["properties"])
        location = request.build_absolute_uri(f"/image/v2/images/{image.id}")
        headers = {"Location": location, "OpenStack-image-import-methods": ""}
        return Response(documents.render(image), status=201, headers=headers)


def _choice(text: str | None, choices: tuple[str, ...], name: str) -> str | None:
    if text is not None and text not in choices:
        raise BadRequest(f"Invalid {name} value: {text[:64]}. It must be one of: {', '.join(choices)}.")
    return text


def _sort(params: Any) -> list[tuple[str, str]]:
    """Read ``sort=key:dir,…`` or ``sort_key`` and ``sort_dir``; created_at and id close the order."""
    if params.get("sort"):
        pairs = [part.strip().partition(":")[::2] for part in params["sort"].split(",")]
        pairs = [(key, direction or "desc") for key, direction in pairs]
    else:
        keys, directions = params.getlist("sort_key"), params.getlist("sort_dir") or ["desc"]
        if len(directions) not in (1, len(keys) or 1):
            raise BadRequest("Number of sort dirs does not match the number of sort keys")
        pairs = [(key, directions[i] if len(directions) > 1 else directions[0]) for i, key in enumerate(keys)]
    last = pairs[-1][1] if pairs else (params.get("sort_dir") or "desc")
    chosen: dict[str, str] = {}
    for key, direction in [*pairs[:8], ("created_at", last), ("id", last)]:
        if key not in SORT_KEYS:
            raise BadRequest(f"Unable to sort by '{key[:64]}'. It must be one of: {', '.join(sorted(SORT_KEYS))}.")
        if direction not in ("asc", "desc"):
            raise BadRequest(f"Invalid sort direction: {direction[:64]}. It must be one of: asc, desc.")
        chosen.setdefault(SORT_KEYS[key], direction)
    return list(chosen.items())


def _link(request: Request, marker: str | None) -> str:
    """Return a page's address as Glance writes it: without the service's prefix, which clients put back on."""
    pairs = [(k, v) for k, values in request.query_params.lists() for v in values if k != "marker"]
    pairs += [("marker", marker)] if marker else []
    return f"/v2/images?{urlencode(pairs)}" if pairs else "/v2/images"


class ImageItem(ServiceView):
    """Show, patch, delete."""

    parser_classes = [JSONPatchParser, OldJSONPatchParser, JSONParser]
    response_serializers = {"get": documents.ImageDocument, "patch": documents.ImageDocument}
    request_schemas = {"patch": {JSONPatchParser.media_type: {"type": "array", "items": {"type": "object"}}}}
    examples = {"PATCH": [{"op": "replace", "path": "/name", "value": "new-name"}]}

    def get(self, request: Request, image_id: str) -> Response:
        policy.check(self.caller, "get_image")
        return Response(documents.render(selectors.get_visible(context=self.caller, image_id=image_id_of(image_id))))

    def patch(self, request: Request, image_id: str) -> Response:
        old = request.content_type.split(";")[0].strip().lower() == OldJSONPatchParser.media_type
        operations = patches.parse(request.data, old=old)
        image = images.update(
            context=self.caller,
            image_id=image_id_of(image_id),
            changes=lambda row: patches.apply(row, operations),
        )
        return Response(documents.render(image))

    def delete(self, request: Request, image_id: str) -> Response:
        images.delete(context=self.caller, image_id=image_id_of(image_id))
        return Response(status=204)


class Deactivate(ServiceView):
    """Forbid the use of an image's data."""

    def post(self, request: Request, image_id: str) -> Response:
        images.deactivate(context=self.caller, image_id=image_id_of(image_id))
        return Response(status=204)


class Reactivate(ServiceView):
    """Allow the use of an image's data again."""

    def post(self, request: Request, image_id: str) -> Response:
        images.reactivate(context=self.caller, image_id=image_id_of(image_id))
        return Response(status=204)
