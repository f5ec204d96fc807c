"""/extensions: compute's features, in the names from before microversions."""

from typing import Any

from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.compute.api.documents import extensions as documents
from apps.compute.api.views.base import ComputeView, WholeCollection


class ExtensionsView(WholeCollection):
    """The extensions that compute offers."""

    plural, rule = "extensions", "os_compute_api:extensions"

    def rows(self) -> list[str]:
        return list(documents.OFFERED)

    def render(self, row: str) -> dict[str, Any]:
        return documents.render(row)


class ExtensionView(ComputeView):
    """One of the things that compute offers."""

    def get(self, request: Request, alias: str) -> Response:
        policy.check(self.caller, "os_compute_api:extensions")
        if alias not in documents.OFFERED:
            raise NotFound(f"Extension {alias[:64]} could not be found.")
        return Response({"extension": documents.render(alias)})
