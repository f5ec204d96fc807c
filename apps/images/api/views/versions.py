"""Discovery of the image service: answered without a token."""

from rest_framework.request import Request

from apps.common.api.views import Response, ServiceView

# Fields of the version documents; newer minors are announced once they are implemented completely.
CURRENT = "v2.9"
SUPPORTED = ("v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0")


class Versions(ServiceView):
    """The versions, as a choice (300) at the root and as a list (200) at ``/versions``."""

    authentication_classes = []
    permission_classes = []
    status = 200

    def get(self, request: Request) -> Response:
        links = [{"rel": "self", "href": request.build_absolute_uri("/image/v2/")}]
        versions = [{"id": CURRENT, "status": "CURRENT", "links": links}]
        versions += [{"id": version, "status": "SUPPORTED", "links": links} for version in SUPPORTED]
        return Response({"versions": versions}, status=self.status)


class Root(Versions):
    status = 300
