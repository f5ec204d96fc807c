"""Discovery: which versions there are, without a token."""

from typing import Any

from apps.common.api.views import Response, ServiceView


def version_document(request: Any) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": request.build_absolute_uri("/identity/v3/")}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


class DiscoveryView(ServiceView):
    authentication_classes = ()
    permission_classes = ()


class VersionsView(DiscoveryView):
    def get(self, request: Any) -> Response:
        version = version_document(request)
        location = version["links"][0]["href"]
        return Response({"versions": {"values": [version]}}, status=300, headers={"Location": location})


class VersionView(DiscoveryView):
    def get(self, request: Any) -> Response:
        return Response({"version": version_document(request)})
