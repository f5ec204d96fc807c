"""The base of compute's views: the microversion of a request, and its headers in the response."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.common import microversions, policy
from apps.common.api import collections
from apps.common.api.collections import Page
from apps.common.api.documents import next_link
from apps.common.api.views import ServiceView
from apps.common.exceptions import BadRequest, NotFound, NotOffered
from apps.common.microversions import Version
from apps.compute.api import versions
from apps.compute.api.listing import LISTING

VARY = f"Accept, OpenStack-API-Version, {versions.LEGACY_HEADER}"


class ComputeView(ServiceView):
    """Nova's schemas know nothing beside the one object of a body, but where a view says otherwise."""

    beside: tuple[str, ...] = ()
    not_offered: dict[str, str] = {}  # HTTP method -> the feature that is missing with it

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> tuple[Version, None]:
        """DRF's hook: its result becomes ``request.version``.

        A browser has no way to name a version: its pages are of the newest one.
        """
        page = request.accepted_renderer.media_type == "text/html"  # type: ignore[attr-defined]
        version = microversions.requested(
            request.META,
            service=versions.SERVICE,
            legacy=versions.LEGACY_KEY,
            lowest=versions.LOWEST,
            unnamed=versions.HIGHEST if page else versions.LOWEST,
            highest=versions.HIGHEST,
        )
        return version, None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Take the project's id of old URLs out of the handler's arguments. Raises BadRequest (400) for another's."""
        super().initial(request, *args, **kwargs)
        project = self.kwargs.pop("project_in_url", None)
        if project is not None and project != (self.caller.project_id or "").replace("-", ""):
            raise BadRequest(
                f"Malformed request URL: URL's project_id '{project}' doesn't match the token's project_id."
            )

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer that a call of Nova is not offered. Raises NotOffered (404), MethodNotAllowed (405)."""
        missing = self.not_offered.get(str(request.method).lower())
        if missing:
            raise NotOffered(what=missing)
        if request._request.path.endswith("/"):  # one of the collection was meant, and its id is missing
            raise NotFound()
        return super().http_method_not_allowed(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        version = getattr(request, "version", None) or versions.LOWEST
        response["OpenStack-API-Version"] = f"{versions.SERVICE} {version}"
        response[versions.LEGACY_HEADER] = str(version)
        response["Vary"] = VARY
        return response


class Collection(ComputeView, collections.Collection):
    """A list in Nova's envelope: it has links only where there is more. ``rule`` guards it."""

    listing = LISTING
    rule: ClassVar[str]

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, self.rule)

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        """Return the documents of a page's rows."""
        return [self.render(row) for row in rows]

    def mark_of(self, row: Any) -> str:
        """Return a row's marker."""
        return str(row.id)

    def envelope(self, page: Page) -> dict[str, Any]:
        document: dict[str, Any] = {self.plural: self.documents(page.rows)}
        if page.more and page.rows:
            document[f"{self.plural}_links"] = next_link(self.request, marker=self.mark_of(page.rows[-1]))
        return document
