"""Tags of networks, subnets, ports and security groups."""

import uuid

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.networking.api.serializers.base import TagsDocument
from apps.networking.exceptions import InvalidInput, TagNotFound
from apps.networking.selectors import tags as selectors
from apps.networking.services import tags


def _id(text: str) -> uuid.UUID:
    found = parse_uuid(text)
    if found is None:
        raise NotFound
    return found


class Tags(ServiceView):
    """All tags of a resource."""

    request_serializers = {"put": TagsDocument}
    examples = {"PUT": {"tags": ["red", "blue"]}}

    def get(self, request: Request, collection: str, item_id: str) -> Response:
        policy.check(self.caller, "get_tags")
        row = selectors.resource(context=self.caller, collection=collection, resource_id=_id(item_id))
        return Response({"tags": row.tags})

    def put(self, request: Request, collection: str, item_id: str) -> Response:
        wanted = self.parse(request)["tags"]
        kept = tags.replace(context=self.caller, collection=collection, resource_id=_id(item_id), tags=wanted)
        return Response({"tags": kept})

    def delete(self, request: Request, collection: str, item_id: str) -> Response:
        tags.remove(context=self.caller, collection=collection, resource_id=_id(item_id))
        return Response(status=204)


class TagItem(ServiceView):
    """One tag of a resource."""

    def get(self, request: Request, collection: str, item_id: str, tag: str) -> Response:
        policy.check(self.caller, "get_tags")
        row = selectors.resource(context=self.caller, collection=collection, resource_id=_id(item_id))
        if tag not in row.tags:
            raise TagNotFound(tag=tag[:255])
        return Response(status=204)

    def put(self, request: Request, collection: str, item_id: str, tag: str) -> Response:
        if len(tag) > 255 or "\x00" in tag:
            raise InvalidInput(reason="a tag has 1 to 255 characters, none of them NUL")
        tags.add(context=self.caller, collection=collection, resource_id=_id(item_id), tag=tag)
        return Response(status=201)

    def delete(self, request: Request, collection: str, item_id: str, tag: str) -> Response:
        tags.remove(context=self.caller, collection=collection, resource_id=_id(item_id), tag=tag)
        return Response(status=204)
