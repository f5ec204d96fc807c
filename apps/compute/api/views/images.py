"""/images, until 2.35, and the metadata of images, until 2.38: the image service's images in Nova's words."""

import uuid
from collections.abc import Callable
from typing import Any

from rest_framework.request import Request

from apps.common import pagination, policy
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest, NotFound
from apps.common.identifiers import parse_uuid
from apps.common.microversions import since
from apps.compute.api import queries
from apps.compute.api.documents import base
from apps.compute.api.documents import images as documents
from apps.compute.api.serializers import server_metadata as serializers
from apps.compute.api.views.proxies import ProxyView
from apps.compute.exceptions import MetadataNotFound
from apps.compute.selectors import server_lists
from apps.images import attributes
from apps.images.selectors import images as selectors
from apps.images.services import images as services

SORT = (("created_at", "desc"), ("id", "desc"))
MAX_ITEMS = 128
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


class ImagesView(_ImagesView):
    """The images that the caller sees in the image service."""

    def get(self, request: Request) -> Response:
        return self.answer(request, documents.render_brief)

    def answer(self, request: Request, render: Callable[..., dict[str, Any]]) -> Response:
        policy.check(self.caller, "get_images")
        rows, more = pagination.page(
            self._filtered(request.GET),
            sort=SORT,
            marker=self._marker(request.GET.get("marker")),
            limit=pagination.limit_of(request.GET),
        )
        document: dict[str, Any] = {"images": [render(row, self.links()) for row in rows]}
        if more:
            document["images_links"] = pagination.next_link(request._request, marker=str(rows[-1].id))
        return Response(document)

    def _filtered(self, params: Any) -> Any:
        rows = selectors.listed(context=self.caller).filter(os_hidden=False)
        if params.get("name"):
            rows = rows.filter(name=params["name"])
        if params.get("status"):
            rows = rows.filter(status__in=documents.statuses_of(params["status"]))
        for name, column in NUMBERS.items():
            if params.get(name):
                rows = rows.filter(**{column: queries.whole(params[name], f"Invalid {name}: {{}}")})
        for name, key in PROPERTIES.items():
            if params.get(name):  # a server may be given by its address
                rows = rows.filter(properties__contains={key: params[name].rstrip("/").rsplit("/", 1)[-1]})
        if params.get("changes-since"):
            rows = rows.filter(updated_at__gte=server_lists.moment(params["changes-since"], "changes-since"))
        return rows

    def _marker(self, text: str | None) -> Any:
        if not text:
            return None
        key = parse_uuid(text)
        found = selectors.visible(context=self.caller).filter(id=key).first() if key else None
        if found is None:
            raise BadRequest(f"marker [{text[:64]}] not found")
        return found


class ImagesDetailView(ImagesView):
    """The images that the caller sees, with everything about them."""

    def get(self, request: Request) -> Response:
        return self.answer(request, documents.render)


class ImageView(_ImagesView):
    """One image."""

    def get(self, request: Request, image_id: str) -> Response:
        policy.check(self.caller, "get_image")
        return Response({"image": documents.render(self.image(image_id), self.links())})

    def delete(self, request: Request, image_id: str) -> Response:
        services.delete(context=self.caller, image_id=self.image(image_id).id)
        return Response(status=204)


class _ImageMetadataView(_ImagesView):
    versions = since("2.1", "2.38")

    def changeable(self, image_id: str) -> Any:
        image = self.image(image_id)
        policy.check(self.caller, "modify_image", {"project_id": image.project_id})
        return image

    def change(self, image_id: uuid.UUID, act: Callable[[dict[str, str]], dict[str, str]]) -> dict[str, str]:
        """Write what ``act`` makes of an image's properties and return it. Raises BadRequest (400) for too many.

        Raises ReadOnlyAttribute, ReservedAttribute (403) for a property with the name of an image's attribute.
        """

        def changes(image: Any) -> None:
            before = dict(image.properties)
            image.properties = act(before)
            for name in image.properties.keys() - before.keys():
                attributes.refuse_as_property(name)
            if len(image.properties) > MAX_ITEMS:
                raise BadRequest(f"Image metadata limit exceeded: at most {MAX_ITEMS} items.")

        found: dict[str, str] = services.update(context=self.caller, image_id=image_id, changes=changes).properties
        return found


class ImageMetadataView(_ImageMetadataView):
    """An image's properties: POST adds to what is there, PUT puts the body in its place."""

    request_serializers = {"post": serializers.Metadata, "put": serializers.Metadata}
    examples = {"POST": {"metadata": {"os_distro": "debian"}}, "PUT": {"metadata": {"os_distro": "debian"}}}

    def get(self, request: Request, image_id: str) -> Response:
        policy.check(self.caller, "get_image")
        return Response({"metadata": self.image(image_id).properties})

    def post(self, request: Request, image_id: str) -> Response:
        image = self.changeable(image_id)
        items = self.parse(request)["metadata"]
        return Response({"metadata": self.change(image.id, lambda old: old | items)})

    def put(self, request: Request, image_id: str) -> Response:
        image = self.changeable(image_id)
        items = self.parse(request)["metadata"]
        return Response({"metadata": self.change(image.id, lambda old: dict(items))})


class ImageMetadataItemView(_ImageMetadataView):
    """One property of an image."""

    request_serializers = {"put": serializers.MetadataItem}
    examples = {"PUT": {"meta": {"os_distro": "debian"}}}

    def get(self, request: Request, image_id: str, key: str) -> Response:
        policy.check(self.caller, "get_image")
        found = self.image(image_id).properties
        if key not in found:
            raise MetadataNotFound
        return Response({"meta": {key: found[key]}})

    def put(self, request: Request, image_id: str, key: str) -> Response:
        image = self.changeable(image_id)
        items = self.parse(request)["meta"]
        if key not in items:
            raise BadRequest("Request body and URI mismatch")
        self.change(image.id, lambda old: old | items)
        return Response({"meta": items})

    def delete(self, request: Request, image_id: str, key: str) -> Response:
        image = self.changeable(image_id)
        if key not in image.properties:
            raise MetadataNotFound
        self.change(image.id, lambda old: {name: value for name, value in old.items() if name != key})
        return Response(status=204)
