"""Version discovery: answers without a token."""

from rest_framework.request import Request

from apps.common.api.views import Response
from apps.volumes.api.documents import versions as documents
from apps.volumes.api.views.base import VolumeView


class VersionsView(VolumeView):
    """The versions of the service: 300, as there may be several."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"versions": [documents.render(request._request)]}, status=300)


class VersionView(VolumeView):
    """The version, as a list of one."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"versions": [documents.render(request._request)]})
