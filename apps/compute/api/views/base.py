"""The base of compute's views: the microversion of a request, and its headers in the response."""

from collections.abc import Iterable
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.common import microversions, policy
from apps.common.api import collections
from apps.common.api.collections import Listing, Page
from apps.common.api.documents import next_link
from apps.common.api.views import ServiceView
from apps.common.exceptions import BadRequest, NotFound, NotOffered
from apps.common.microversions import Range, Version
from apps.compute.api import versions
from apps.compute.api.listing import LISTING
from apps.compute.exceptions import RemovedFromNova
from apps.compute.models import Server
from apps.compute.selectors import servers

VARY = f"Accept, OpenStack-API-Version, {versions.LEGACY_HEADER}"


class ComputeView(ServiceView):
    """Nova's schemas know nothing beside the one object of a body, but where a view says otherwise.

    ``versions`` are those that have the call, if not all do. ``checks_query``: the view says which parameters it knows;
    the others know none, and refuse all from 2.102 on.
    """

    beside: tuple[str, ...] = ()
    versions: Range | None = None
    checks_query = False
    not_offered: dict[str, str] = {}  # HTTP method -> the feature that is missing with it
    gone: dict[str, str] = {}  # HTTP method -> the feature that Nova itself has removed

    @property
    def version(self) -> Version:
        """Return the microversion of the request."""
        version: Version = self.request.version  # type: ignore[assignment]  # DRF's stubs know texts alone
        return version

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> tuple[Any, None]:
        """DRF's hook: its result becomes ``request.version``.

        A browser has no way to name a version: its pages are of the newest one.
        """
        page = request.accepted_renderer.media_type == "text/html"
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
        """Take the project's id of old URLs out of the handler's arguments.

        Raises BadRequest (400) for another project's, NotFound (404) in a version that lacks the call.
        """
        super().initial(request, *args, **kwargs)
        project = self.kwargs.pop("project_in_url", None)
        if project is not None and project != (self.caller.project_id or "").replace("-", ""):
            raise BadRequest(
                f"Malformed request URL: URL's project_id '{project}' doesn't match the token's project_id."
            )
        if self.versions is not None and self.version not in self.versions:
            raise NotFound(f"API version '{self.version}' is not supported on this method.")
        if request.method == "GET" and not self.checks_query and request.accepted_renderer.media_type != "text/html":
            self.check_query(strict_since="2.102")

    def check_query(
        self, known: Iterable[str] = (), *, strict_since: str = "2.75", repeatable: Iterable[str] = ()
    ) -> None:
        """Refuse parameters as Nova's query schemas do: repeated ones, and unknown ones from ``strict_since`` on.

        Raises BadRequest (400) naming the parameter.
        """
        params, names = self.request.query_params, set(known)
        for name in names:
            if len(params.getlist(name)) > 1:
                raise BadRequest(f"Invalid input for query parameters {name}. It was given more than once.")
        unknown = sorted(set(params) - names - set(repeatable))
        if unknown and self.version >= microversions.version(strict_since):
            listed = "', '".join(name[:64] for name in unknown[:5])
            raise BadRequest(f"Additional properties are not allowed ('{listed}' was unexpected)")

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Answer that a call of Nova is not offered. Raises NotOffered (404), RemovedFromNova (410), MethodNotAllowed
        (405).
        """
        if removed := self.gone.get(str(request.method).lower()):
            raise RemovedFromNova(what=removed)
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
    """A list in Nova's envelope: it has links only where there is more, under ``links_key``. ``rule`` guards it."""

    listing: ClassVar[Listing | None] = LISTING
    rule: ClassVar[str]
    links_key: ClassVar[str] = ""  # "": <plural>_links

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
            document[self.links_key or f"{self.plural}_links"] = next_link(
                self.request, marker=self.mark_of(page.rows[-1])
            )
        return document


class WholeCollection(Collection):
    """A list that Nova never cuts into pages."""

    listing: ClassVar[Listing | None] = None


class ReadOnlyItem(ComputeView, collections.ReadOnlyItem):
    """One row. ``rules`` is what its rules begin with: ``<rules>:show`` and so on."""

    rules: ClassVar[str]

    def id_of(self, text: str) -> str:
        """Return a URL's id as selectors take it: they know which texts are none, and how Nova refuses those."""
        return text

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, f"{self.rules}:{action}", {"project_id": row.project_id} if row is not None else None)


class Item(ReadOnlyItem, collections.Item):
    """One row that can be deleted."""


class OfServer(ComputeView):
    """A view of a part of a server."""

    def server(self, server_id: str, rule: str) -> Server:
        """Return the server if the rule lets the caller act on it. Raises ServerNotFound (404), PolicyForbidden."""
        server = servers.get(context=self.caller, server_id=server_id)
        policy.check(self.caller, rule, {"project_id": server.project_id})
        return server


class PartsOfServer(OfServer, WholeCollection):
    """A list of a server's parts; ``owner`` is the server."""

    owner: Server

    def permit(self, action: str, row: Any = None) -> None:
        self.owner = self.server(self.kwargs["server_id"], self.rule)


class PartOfServer(OfServer, ReadOnlyItem):
    """One part of a server; ``owner`` is the server, whose owner the rules ask for, before the part is loaded."""

    before_row = ("show",)
    owner: Server

    def permit(self, action: str, row: Any = None) -> None:
        self.owner = self.server(self.kwargs["server_id"], f"{self.rules}:{action}")
