"""The base of the volume service's views: the microversion of a request, and its headers in the response."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common import microversions, policy
from apps.common.api import collections, queries
from apps.common.api.collections import Listing, Page
from apps.common.api.documents import next_link
from apps.common.api.views import ServiceView
from apps.common.exceptions import BadRequest, NotFound, NotOffered
from apps.common.microversions import Range, Version, since
from apps.volumes.api import versions
from apps.volumes.api.documents.base import Links
from apps.volumes.api.listing import BESIDE, LOOSE, STYLE, filters_of, without_names
from apps.volumes.exceptions import ActionNotOffered
from apps.volumes.models import Snapshot, Volume
from apps.volumes.selectors import lists, snapshots, volumes

VARY = "Accept, OpenStack-API-Version"
ALL_PROJECTS = ("all_tenants", "all_projects")


class VolumeView(ServiceView):
    """``versions`` are those that have the call, if not all do."""

    versions: Range | None = None
    not_offered: dict[str, str] = {}  # HTTP method -> the feature that is missing with it

    @property
    def version(self) -> Version:
        """Return the microversion of the request."""
        version: Version = self.request.version  # type: ignore[assignment]  # DRF's stubs know texts alone
        return version

    @property
    def links(self) -> Links:
        return Links(self.request._request, self.caller.project_id)

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> tuple[Any, None]:
        """DRF's hook: its result becomes ``request.version``.

        A browser has no way to name a version: its pages are of the newest one.
        """
        page = request.accepted_renderer.media_type == "text/html"
        version = microversions.requested(
            request.META,
            service=versions.SERVICE,
            legacy=None,
            lowest=versions.LOWEST,
            unnamed=versions.HIGHEST if page else versions.LOWEST,
            highest=versions.HIGHEST,
        )
        return version, None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Take the project's id of the URL out of the handler's arguments.

        Raises BadRequest (400) for another project's, NotFound (404) in a version that lacks the call.
        """
        super().initial(request, *args, **kwargs)
        project = self.kwargs.pop("project_in_url", None)
        if project is not None and project != (self.caller.project_id or "").replace("-", ""):
            raise BadRequest(
                f"Malformed request URL: URL's project_id '{project}' doesn't match Context's project_id "
                f"'{self.caller.project_id}'"
            )
        if self.versions is not None and self.version not in self.versions:
            raise NotFound("The resource could not be found in this microversion.")

    def require(self, versions: Range) -> None:
        """Raise NotFound (404) in a microversion that lacks the method of a call that others have."""
        if self.version not in versions:
            raise NotFound("The resource could not be found in this microversion.")

    @property
    def project_id(self) -> str:
        """Return the project of the token. Raises BadRequest (400) without one."""
        if self.caller.project_id is None:
            raise BadRequest("Volumes belong to a project: use a token that is scoped to one.")
        return self.caller.project_id

    def flag(self, name: str, default: str = "0") -> bool:
        """Return a parameter's word; without a value it is true."""
        text = self.request.query_params.get(name)
        return STYLE.boolean(default if text is None else text or "1", name)

    def asks_all_projects(self) -> bool:
        """Return whether an administrator asks for the rows of all projects. Others get their project's alone."""
        return self.caller.is_admin and any(self.flag(name) for name in ALL_PROJECTS)

    def check(self, rule: str, row: Any = None) -> None:
        """Check a rule on a row's project, or on the caller's own. Raises PolicyForbidden (403)."""
        policy.check(self.caller, rule, {"project_id": row.project_id} if row is not None else None)

    def volume(self, volume_id: str, rule: str) -> Volume:
        """Return the volume if the rule lets the caller act on it. Raises VolumeNotFound (404), PolicyForbidden."""
        volume = volumes.get(context=self.caller, volume_id=volume_id)
        self.check(rule, volume)
        return volume

    def snapshot(self, snapshot_id: str, rule: str) -> Snapshot:
        """Return the snapshot if the rule lets the caller act on it. Raises SnapshotNotFound (404), PolicyForbidden."""
        snapshot = snapshots.get(context=self.caller, snapshot_id=snapshot_id)
        self.check(rule, snapshot)
        return snapshot

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Answer that a call of Cinder is not offered. Raises NotOffered (404), MethodNotAllowed (405)."""
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
        response["Vary"] = VARY
        return response


class ActionView(VolumeView):
    """POST …/action: one action, whose name is the body's only key.

    ``ACTIONS`` names the method of each action; ``missing`` the feature that an action of Cinder's needs here.
    """

    ACTIONS: ClassVar[dict[str, str]] = {}
    missing: ClassVar[dict[str, str]] = {}

    def asked(self, request: Request) -> tuple[str, Any]:
        """Return the action and its value. Raises BadRequest (400)."""
        body = request.data
        if not isinstance(body, dict) or len(body) != 1:
            raise BadRequest("The request body must be an object with exactly one action.")
        action, value = next(iter(body.items()))
        if action in self.missing:
            raise ActionNotOffered(what=self.missing[action], action=action)
        if action not in self.ACTIONS:
            raise BadRequest(f"There is no such action: {str(action)[:64]}")
        return action, value

    def values(self, action: str) -> dict[str, Any]:
        """Return the action's arguments as its serializer reads them."""
        body: Any = self.request.data
        if body[action] is None:  # clients send null for "no arguments"
            body[action] = {}
        return self.parse(self.request, action, serializer=self.action_serializers[action])


class FilteredView(VolumeView):
    """What is read with filters; ``resource`` names their table.

    Since ``strict_since`` a query with others is refused: who asks for less than everything must not get everything.
    """

    resource: ClassVar[str]
    strict_since: ClassVar[Range] = since("3.31")
    words_since: ClassVar[Range] = since("3.0")  # before, booleans have loose words

    def asked(self, *, all_projects: bool = False) -> dict[str, list[str]]:
        """Return the query's parameters. Raises BadRequest (400) for filters that the list does not have."""
        asked = queries.plain(self.request.query_params)
        if self.version in self.strict_since:
            offered = filters_of(self.resource, self.version)
            known = {*BESIDE, *lists.names(self.resource, since=offered, all_projects=all_projects)}
            unknown = ",".join(name[:64] for name in asked if name not in known)
            if unknown:
                raise BadRequest(f"Invalid filters {unknown[:255]} are found in query options.")
        return asked

    def narrowed(self, rows: QuerySet[Any], *, all_projects: bool = False) -> QuerySet[Any]:
        """Return the rows that the query's filters leave. Raises BadRequest (400)."""
        asked, offered = self.asked(all_projects=all_projects), filters_of(self.resource, self.version)
        style = STYLE if self.version in self.words_since else LOOSE
        return lists.narrow(self.resource, rows, asked, style, since=offered, all_projects=all_projects)


class Collection(FilteredView, collections.Collection):
    """A list in Cinder's envelope: it has links only where there is more. ``rule`` guards it.

    Before ``pages_since`` a query says nothing of pages and order but by the words of ``before_pages``, whose listing
    holds then. Since ``named_since`` the rows are sorted by ``name``.
    """

    listing: ClassVar[Listing | None]
    rule: ClassVar[str]
    counts_since: ClassVar[Range | None] = None
    pages_since: ClassVar[Range] = since("3.0")
    before_pages: ClassVar[tuple[Listing, tuple[str, ...]] | None] = None
    named_since: ClassVar[Range] = since("3.0")

    def permit(self, action: str, row: Any = None) -> None:
        policy.check(self.caller, self.rule)

    def get(self, request: Request, **ids: str) -> Response:
        """Return the page. A path with a slash at its end names one whose ID is missing: 404, as in Cinder."""
        if request._request.path.endswith("/"):
            raise NotFound()
        return super().get(request, **ids)

    def cut(self) -> Listing | None:
        if self.before_pages is not None and self.version not in self.pages_since:
            return self.before_pages[0]
        listing = super().cut()
        return listing if listing is None or self.version in self.named_since else without_names(listing)

    def said(self) -> QueryDict:
        params = super().said()
        if self.before_pages is not None and self.version not in self.pages_since:
            params = params.copy()
            for name in set(params) - set(self.before_pages[1]):
                del params[name]
        return params

    def documents(self, rows: list[Any]) -> list[dict[str, Any]]:
        """Return the documents of a page's rows."""
        return [self.render(row) for row in rows]

    def envelope(self, page: Page) -> dict[str, Any]:
        """Return the page's document. A page as full as was asked for has a link to the next one, which may be empty,
        as in Cinder: clients of its follow the links until there is none.
        """
        document: dict[str, Any] = {self.plural: self.documents(page.rows)}
        if page.rows and (page.more or page.full):
            document[f"{self.plural}_links"] = next_link(self.request, marker=str(page.rows[-1].id))
        if self.counts_since is not None and self.version in self.counts_since and self.flag("with_count"):
            document["count"] = self.rows().count()
        return document


class WholeCollection(Collection):
    """A list that Cinder never cuts into pages."""

    listing: ClassVar[Listing | None] = None


class ReadOnlyItem(VolumeView, collections.ReadOnlyItem):
    """One row. ``rules`` has the rule of each action."""

    rules: ClassVar[dict[str, str]]

    def id_of(self, text: str) -> str:
        """Return a URL's id as selectors take it: they know which texts are none, and how Cinder refuses those."""
        return text

    def permit(self, action: str, row: Any = None) -> None:
        target = {"project_id": row.project_id} if hasattr(row, "project_id") else None
        policy.check(self.caller, self.rules[action], target)


class Item(ReadOnlyItem, collections.Item):
    """One row that can be deleted: 202, as its run ends later."""

    code_of_delete = 202
