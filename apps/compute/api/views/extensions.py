"""/extensions: compute's features, in the names from before microversions."""

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.compute.api.documents import extensions as documents
from apps.compute.api.views.base import ComputeView


class ExtensionsView(ComputeView):
    """The extensions that compute offers."""

    def get(self, request: Request) -> Response:
        policy.check(self.caller, "os_compute_api:extensions")
        return Response({"extensions": [documents.render(alias) for alias in documents.OFFERED]})


class ExtensionView(ComputeView):
    """One of the things that compute offers."""

    def get(self, request: Request, alias: str) -> Response:
        policy.check(self.caller, "os_compute_api:extensions")
        if alias not in documents.OFFERED:
            raise NotFound(f"Extension {alias[:64]} could not be found.")
        return Response({"extension": documents.render(alias)})
