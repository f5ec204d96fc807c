"""Version discovery: answers without a token."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.compute.api.documents import versions as documents
from apps.compute.api.views.base import ComputeView

_MEDIA = {"base": "application/json", "type": "application/vnd.openstack.compute+json;version={}"}


class VersionsView(ComputeView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"versions": [documents.render(request, "v2"), documents.render(request, "v2.1")]})


class VersionView(ComputeView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, name: str = "v2.1") -> Response:
        document = documents.render(request, name)
        media = {**_MEDIA, "type": _MEDIA["type"].format("2.1" if name == "v2.1" else "2")}
        return Response({"version": {**document, "media-types": [media]}})
