"""Version discovery: answers without a token."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.compute.api import versions
from apps.compute.api.views.base import ComputeView

_MEDIA = {"base": "application/json", "type": "application/vnd.openstack.compute+json;version={}"}


def _document(request: Request, name: str) -> dict[str, Any]:
    newest = name == "v2.1"
    return {
        "id": name if newest else "v2.0",
        "status": "CURRENT" if newest else "SUPPORTED",
        "version": str(versions.HIGHEST) if newest else "",
        "min_version": str(versions.LOWEST) if newest else "",
        "updated": "2013-07-23T11:33:21Z" if newest else "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": request.build_absolute_uri(f"/compute/{'v2.1' if newest else 'v2'}/")}],
    }


class VersionsView(ComputeView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"versions": [_document(request, "v2"), _document(request, "v2.1")]})


class VersionView(ComputeView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, name: str = "v2.1") -> Response:
        document = _document(request, name)
        media = {**_MEDIA, "type": _MEDIA["type"].format("2.1" if name == "v2.1" else "2")}
        return Response({"version": {**document, "media-types": [media]}})
