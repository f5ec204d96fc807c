"""/servers/{server_id}/metadata."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.compute.api.serializers import server_metadata as serializers
from apps.compute.api.views.base import OfServer
from apps.compute.exceptions import MetadataNotFound
from apps.compute.services import server_metadata

RULE = "os_compute_api:server-metadata:{}"


class MetadataView(OfServer):
    """A server's metadata: POST adds to it, PUT replaces it."""

    request_serializers = {"post": serializers.Metadata, "put": serializers.Metadata}
    examples = {"POST": {"metadata": {"role": "web"}}, "PUT": {"metadata": {"role": "web"}}}

    def get(self, request: Request, server_id: str) -> Response:
        return Response({"metadata": self.server(server_id, RULE.format("index")).metadata})

    def post(self, request: Request, server_id: str) -> Response:
        items = self.parse(request)["metadata"]
        server = self.server(server_id, RULE.format("create"))
        return Response({"metadata": server_metadata.add(context=self.caller, server_id=server.id, items=items)})

    def put(self, request: Request, server_id: str) -> Response:
        items = self.parse(request)["metadata"]
        server = self.server(server_id, RULE.format("update_all"))
        return Response({"metadata": server_metadata.replace(context=self.caller, server_id=server.id, items=items)})


class MetadataItemView(OfServer):
    """One item of a server's metadata."""

    request_serializers = {"put": serializers.MetadataItem}
    examples = {"PUT": {"meta": {"role": "web"}}}

    def get(self, request: Request, server_id: str, key: str) -> Response:
        metadata = self.server(server_id, RULE.format("show")).metadata
        if key not in metadata:
            raise MetadataNotFound
        return Response({"meta": {key: metadata[key]}})

    def put(self, request: Request, server_id: str, key: str) -> Response:
        items = self.parse(request)["meta"]
        if key not in items:
            raise BadRequest("Request body and URI mismatch")
        server = self.server(server_id, RULE.format("update"))
        server_metadata.add(context=self.caller, server_id=server.id, items=items)
        return Response({"meta": items})

    def delete(self, request: Request, server_id: str, key: str) -> Response:
        server = self.server(server_id, RULE.format("delete"))
        server_metadata.remove(context=self.caller, server_id=server.id, key=key)
        return Response(status=204)
