"""/servers/{server_id}/tags, from 2.26 on."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import handler
from apps.compute.api.documents.base import base_of
from apps.compute.api.serializers import server_tags as serializers
from apps.compute.api.views.base import OfServer
from apps.compute.exceptions import TagNotFound
from apps.compute.services import server_tags

RULE = "os_compute_api:os-server-tags:{}"


class TagsView(OfServer):
    """A server's tags, from 2.26 on: PUT replaces all of them."""

    request_serializers = {"put": serializers.Tags}
    examples = {"PUT": {"tags": ["web", "blue"]}}

    @handler("2.26")
    def get(self, request: Request, server_id: str) -> Response:
        return Response({"tags": self.server(server_id, RULE.format("index")).tags})

    @handler("2.26")
    def put(self, request: Request, server_id: str) -> Response:
        tags = self.parse(request)["tags"]
        server = self.server(server_id, RULE.format("update_all"))
        return Response({"tags": server_tags.replace(server_id=server.id, tags=tags)})

    @handler("2.26")
    def delete(self, request: Request, server_id: str) -> Response:
        server_tags.replace(server_id=self.server(server_id, RULE.format("delete_all")).id, tags=[])
        return Response(status=204)


class TagView(OfServer):
    """One tag of a server: GET answers whether it exists."""

    @handler("2.26")
    def get(self, request: Request, server_id: str, tag: str) -> Response:
        server = self.server(server_id, RULE.format("show"))
        if tag not in server.tags:
            raise TagNotFound(server=server.id, tag=tag[:60])
        return Response(status=204)

    @handler("2.26")
    def put(self, request: Request, server_id: str, tag: str) -> Response:
        serializers.check(tag)
        server = self.server(server_id, RULE.format("update"))
        if not server_tags.add(server_id=server.id, tag=tag):
            return Response(status=204)
        location = f"{base_of(request)}/servers/{server.id}/tags/{tag}"
        return Response(status=201, headers={"Location": location})

    @handler("2.26")
    def delete(self, request: Request, server_id: str, tag: str) -> Response:
        server_tags.remove(server_id=self.server(server_id, RULE.format("delete")).id, tag=tag)
        return Response(status=204)
