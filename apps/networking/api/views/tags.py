"""Tags of networks, subnets, ports, routers, floating IPs and security groups."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.networking.api.serializers.base import TagsDocument
from apps.networking.exceptions import InvalidInput, TagNotFound
from apps.networking.selectors import tags as selectors
from apps.networking.selectors.tags import Tagged
from apps.networking.services import tags


class _TagsView(ServiceView):
    def load(self, collection: str, item_id: str) -> Tagged:
        key = parse_uuid(item_id)
        if key is None:
            raise NotFound
        return selectors.resource(context=self.caller, collection=collection, resource_id=key)

    def loaded(self, collection: str, item_id: str, rule: str) -> Tagged:
        """Return the resource, if the caller may change its tags. Raises NotFound (404), PolicyForbidden (403)."""
        row = self.load(collection, item_id)
        policy.check(self.caller, rule, {"project_id": row.project_id})
        return row


class Tags(_TagsView):
    """All tags of a resource."""

    request_serializers = {"put": TagsDocument}
    examples = {"PUT": {"tags": ["red", "blue"]}}

    def get(self, request: Request, collection: str, item_id: str) -> Response:
        policy.check(self.caller, "get_tags")
        row = self.load(collection, item_id)
        return Response({"tags": row.tags})

    def put(self, request: Request, collection: str, item_id: str) -> Response:
        wanted = self.parse(request)["tags"]
        kept = tags.replace(row=self.loaded(collection, item_id, "create_tags"), tags=wanted)
        return Response({"tags": kept})

    def delete(self, request: Request, collection: str, item_id: str) -> Response:
        tags.remove(row=self.loaded(collection, item_id, "delete_tags"))
        return Response(status=204)


class TagItem(_TagsView):
    """One tag of a resource."""

    def get(self, request: Request, collection: str, item_id: str, tag: str) -> Response:
        policy.check(self.caller, "get_tags")
        row = self.load(collection, item_id)
        if tag not in row.tags:
            raise TagNotFound(tag=tag[:255])
        return Response(status=204)

    def put(self, request: Request, collection: str, item_id: str, tag: str) -> Response:
        if len(tag) > 255 or "\x00" in tag:
            raise InvalidInput(reason="a tag has 1 to 255 characters, none of them NUL")
        tags.add(row=self.loaded(collection, item_id, "create_tags"), tag=tag)
        return Response(status=201)

    def delete(self, request: Request, collection: str, item_id: str, tag: str) -> Response:
        tags.remove(row=self.loaded(collection, item_id, "delete_tags"), tag=tag)
        return Response(status=204)
