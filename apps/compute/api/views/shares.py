"""/servers/{server_id}/shares, from 2.97 on: file systems of a service that this cloud does not have."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.common.microversions import since
from apps.compute.api.serializers import shares as serializers
from apps.compute.api.views.base import OfServer
from apps.compute.exceptions import ShareNotFound

RULE = "os_compute_api:os-server-shares:{}"
SHARES = since("2.97")


class SharesView(OfServer):
    """A server's shares: none. What is to be attached does not exist."""

    versions = SHARES
    request_serializers = {"post": serializers.Share}
    examples = {"POST": {"share": {"share_id": "<a share's id>"}}}

    def get(self, request: Request, server_id: str) -> Response:
        self.server(server_id, RULE.format("index"))
        return Response({"shares": []})

    def post(self, request: Request, server_id: str) -> Response:
        """Raises ShareNotFound (404)."""
        self.server(server_id, RULE.format("create"))
        values: dict[str, Any] = self.parse(request, "share")
        raise ShareNotFound(share=values["share_id"])


class ShareView(OfServer):
    """One share of a server: there is none."""

    versions = SHARES

    def get(self, request: Request, server_id: str, share_id: str) -> Response:
        """Raises ShareNotFound (404)."""
        self.server(server_id, RULE.format("show"))
        raise ShareNotFound(share=share_id[:64])

    def delete(self, request: Request, server_id: str, share_id: str) -> Response:
        """Raises ShareNotFound (404)."""
        self.server(server_id, RULE.format("delete"))
        raise ShareNotFound(share=share_id[:64])
