"""/images, until 2.35, and the metadata of images, until 2.38: the image service's images in Nova's words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.queries import refusal
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotFound
from apps.common.identifiers import parse_uuid
from apps.common.microversions import since
from apps.compute.api.documents import base
from apps.compute.api.documents import images as documents
from apps.compute.api.listing import IMAGES, STYLE
from apps.compute.api.serializers import server_metadata as serializers
from apps.compute.api.views.base import Collection, Item
from apps.compute.api.views.proxies import ProxyView
from apps.compute.exceptions import MetadataNotFound
from apps.images import attributes
from apps.images.api import permissions
from apps.images.selectors import images as selectors
from apps.images.services import images as services

MAX_ITEMS = 128
FILTERS = replace(STYLE, not_number=refusal("Invalid {name}: {value}"))
NUMBERS = {"minRam": "min_ram", "minDisk": "min_disk"}
PROPERTIES = {"server": "instance_uuid", "type": "image_type"}


class _ImagesView(ProxyView):
    def links(self) -> base.Links:
        return base.Links(self.request._request)

    def image(self, image_id: str) -> Any:
        key = parse_uuid(image_id)
        if key is None:
            raise NotFound("Image not found.")
        return selectors.get_visible(context=self.caller, image_id=key)


class ImagesView(_ImagesView, Collection):
    """The images that the caller sees in the image service."""

    plural, listing, rule = "images", IMAGES, "get_images"

    def rows(self) -> Any:
        return self._filtered(self.request.GET)

    def marked(self) -> Any:
        return selectors.visible(context=self.caller)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render_brief(row, self.links())

    def _filtered(self, params: Any) -> Any:
        rows = selectors.listed(context=self.caller).filter(os_hidden=False)
        if params.get("name"):
            rows = rows.filter(name=params["name"])
        if params.get("status"):
            rows = rows.filter(status__in=documents.statuses_of(params["status"]))
        for name, column in NUMBERS.items():
            if params.get(name):
                rows = rows.filter(**{column: FILTERS.whole(params[name], name)})
        for name, key in PROPERTIES.items():
            if params.get(name):  # a server may be given by its address
                rows = rows.filter(properties__contains={key: params[name].rstrip("/").rsplit("/", 1)[-1]})
        if params.get("changes-since"):
            rows = rows.filter(updated_at__gte=STYLE.time(params["changes-since"], "changes-since"))
        return rows


class ImagesDetailView(ImagesView):
    """The images that the caller sees, with everything about them."""

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.links())


class ImageView(_ImagesView, Item):
    """One image."""

    noun = "image"
    before_row = ("show",)

    def permit(self, action: str, row: Any = None) -> None:
        if row is None:
            policy.check(self.caller, "get_image")
        else:
            permissions.check(self.caller, f"{action}_image", row)

    def load(self, image_id: str) -> Any:
        return self.image(image_id)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.links())

    def remove(self, row: Any) -> None:
        services.delete(image=row)


class _ImageMetadataView(_ImagesView):
    versions = since("2.1", "2.38")

    def changeable(self, image_id: str) -> Any:
        image = self.image(image_id)
        permissions.check(self.caller, "modify_image", image)
        return image

    def change(self, image: Any, act: Callable[[dict[str, str]], dict[str, str]]) -> dict[str, str]:
        """Change an image's properties by ``act`` and return them. Raises BadRequest (400) for too many.

        Raises ReadOnlyAttribute, ReservedAttribute (403) for a property with the name of an image's attribute.
        """

        def changes(row: Any) -> None:
            before = dict(row.properties)
            row.properties = act(before)
            for name in row.properties.keys() - before.keys():
                attributes.refuse_as_property(name)
            if len(row.properties) > MAX_ITEMS:
                raise BadRequest(f"Image metadata limit exceeded: at most {MAX_ITEMS} items.")

        properties: dict[str, str] = services.update(context=self.caller, image=image, changes=changes).properties
        return properties


class ImageMetadataView(_ImageMetadataView):
    """An image's properties: POST adds to it, PUT replaces it."""

    request_serializers = {"post": serializers.Metadata, "put": serializers.Metadata}
    examples = {"POST": {"metadata": {"os_distro": "debian"}}, "PUT": {"metadata": {"os_distro": "debian"}}}

    def get(self, request: Request, image_id: str) -> Response:
        policy.check(self.caller, "get_image")
        return Response({"metadata": self.image(image_id).properties})

    def post(self, request: Request, image_id: str) -> Response:
        image = self.changeable(image_id)
        items = self.parse(request)["metadata"]
        return Response({"metadata": self.change(image, lambda old: old | items)})

    def put(self, request: Request, image_id: str) -> Response:
        image = self.changeable(image_id)
        items = self.parse(request)["metadata"]
        return Response({"metadata": self.change(image, lambda old: dict(items))})


class ImageMetadataItemView(_ImageMetadataView):
    """One property of an image."""

    request_serializers = {"put": serializers.MetadataItem}
    examples = {"PUT": {"meta": {"os_distro": "debian"}}}

    def get(self, request: Request, image_id: str, key: str) -> Response:
        policy.check(self.caller, "get_image")
        properties = self.image(image_id).properties
        if key not in properties:
            raise MetadataNotFound
        return Response({"meta": {key: properties[key]}})

    def put(self, request: Request, image_id: str, key: str) -> Response:
        image = self.changeable(image_id)
        items = self.parse(request)["meta"]
        if key not in items:
            raise BadRequest("Request body and URI mismatch")
        self.change(image, lambda old: old | items)
        return Response({"meta": items})

    def delete(self, request: Request, image_id: str, key: str) -> Response:
        image = self.changeable(image_id)
        if key not in image.properties:
            raise MetadataNotFound
        self.change(image, lambda old: {name: value for name, value in old.items() if name != key})
        return Response(status=204)
