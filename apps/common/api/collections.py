"""Lists and items of every service: one base for views that read pages, make, show, change and remove rows.

A service declares its style once (a ``Listing``); a view declares its nouns, rows, filters and sort keys. Policy is
checked here, before a service is called: ``permit`` names the rule.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.request import Request

from apps.common import pagination
from apps.common.api.queries import QueryStyle, Sorting
from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import Forbidden, NotFound
from apps.common.identifiers import parse_uuid

Rows = Callable[[], QuerySet[Any]]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How a service cuts its lists into pages.

    sorting: None keeps the order of the rows; ids break ties.
    most: the largest page, in rows.
    usual: the page of a query without a limit. None: ``most``.
    zero: the page of ``limit=0``. None: ``most``.
    strict: refuse an empty limit or marker, and a limit of 0 (Keystone).
    marker_column, marker_key: the column that a marker names, and how its text is read. A key of None matches no row.
    reversible: ``page_reverse`` reads the pages before the marker.
    skips: ``offset`` rows are left out, behind a marker too.
    by_offset: pages begin at ``offset``, not behind a marker, and have no link to the next one.
    """

    style: QueryStyle
    sorting: Sorting | None = None
    most: Callable[[], int] = lambda: pagination.MAX_LIMIT
    usual: int | None = None
    zero: int | None = None
    strict: bool = False
    marker_column: str = "id"
    marker_key: Callable[[str], Any] = parse_uuid
    reversible: bool = False
    skips: bool = False
    by_offset: bool = False

    def sorted_by(self, *names: str, **columns: str) -> "Listing":
        """Return the same with more sort keys."""
        assert self.sorting is not None
        return replace(self, sorting=self.sorting.by(*names, **columns))

    def limit(self, params: Any) -> tuple[int, bool]:
        """Return the size of the page, and whether it is the service's choice and not the caller's.

        Raises the style's ``not_limit`` for an invalid number.
        """
        text, most = params.get("limit"), self.most()
        if text is None or (text == "" and not self.strict):
            return (most if self.usual is None else self.usual), True
        if not (text.isascii() and text.isdigit()) or (self.strict and not text.strip("0")):
            raise self.style.not_limit("limit", text)
        value = int(text) if len(text) <= 12 else most + 1
        if value == 0:
            return (most if self.zero is None else self.zero), False
        return min(value, most), value > most

    def marker(self, params: Any, rows: Rows) -> Any | None:
        """Return the row that a page comes after. Raises the style's ``no_marker`` where ``rows`` has none such."""
        text = params.get("marker")
        if text is None or (text == "" and not self.strict):
            return None
        key = self.marker_key(text)
        row = None if key is None else rows().filter(**{self.marker_column: key}).first()
        if row is None:
            raise self.style.no_marker("marker", text)
        return row


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, whether there are more of them, and whether the service, not the caller, limited the page.

    ``full``: they are as many as the caller asked for.
    """

    rows: list[Any]
    more: bool
    truncated: bool = False
    backwards: bool = False
    full: bool = False


def read(rows: QuerySet[Any], params: Any, listing: Listing, *, marked: Rows | None = None) -> Page:
    """Return the page of ``rows`` that a query asks for. 1 query, 2 with a marker, which is one of ``marked``."""
    if listing.by_offset:
        first, (limit, _) = listing.style.whole(params.get("offset") or "0", "offset"), listing.limit(params)
        return Page(rows=list(rows[first : first + limit]), more=False)
    backwards = listing.reversible and params.get("page_reverse", "").lower() in ("true", "1")
    sorting = listing.sorting
    sort = _own_order(rows) if sorting is None else sorting.order(params, listing.style, backwards=backwards)
    limit, by_service = listing.limit(params)
    marker = listing.marker(params, marked or (lambda: rows))
    skip = listing.style.whole(params.get("offset") or "0", "offset") if listing.skips else 0
    chosen, more = pagination.page(rows, sort=sort, marker=marker, limit=limit, skip=skip)
    if backwards:
        chosen.reverse()
    full = len(chosen) == limit and not by_service
    return Page(rows=chosen, more=more, truncated=more and by_service, backwards=backwards, full=full)


def _own_order(rows: QuerySet[Any]) -> list[tuple[str, str]]:
    """Return the columns that order the rows, with the id at the end."""
    names = [str(name) for name in rows.query.order_by or rows.model._meta.ordering or ()]
    if not any(name.lstrip("-") in ("id", "pk") for name in names):
        names.append("id")
    return [(name.lstrip("-"), "desc" if name.startswith("-") else "asc") for name in names]


class Noun(ServiceView):
    """``noun`` and ``plural`` are the JSON keys of one resource and of a list."""

    noun: ClassVar[str]
    plural: ClassVar[str]
    not_found: ClassVar[type[NotFound]] = NotFound

    def permit(self, action: str, row: Any = None) -> None:
        """Check the rule of an action: list, show, create, update or delete. Raises PolicyForbidden (403)."""
        raise NotImplementedError

    def render(self, row: Any) -> dict[str, Any]:
        """Return the document of a row."""
        raise NotImplementedError

    def id_of(self, text: str) -> Any:
        """Return the id in a URL, a UUID.

        Raises ``not_found`` (404) for an invalid ID: clients look up names that way.
        """
        key = parse_uuid(text)
        if key is None:
            raise self.not_found(id=text[:255])
        return key


class Collection(Noun):
    """A list of rows. A service's own base class adds how its pages look (``envelope``).

    A ``listing`` of None: the service never cuts this list, and ``rows`` may be any sequence. Where that depends on the
    request, a view says so in ``cut``.
    """

    listing: ClassVar[Listing | None]

    def rows(self) -> Any:
        """Return the rows that the caller may see and the query asks for: a query set, where pages are cut."""
        raise NotImplementedError

    def marked(self) -> Any:
        """Return the rows that a marker may name: those of the list itself, where a view says no other."""
        return self.rows()

    def envelope(self, page: Page) -> dict[str, Any]:
        """Return the document of a page."""
        return {self.plural: [self.render(row) for row in page.rows]}

    def cut(self) -> Listing | None:
        """Return how this request's list is cut into pages; None: it is whole."""
        return self.listing

    def page(self) -> Page:
        """Return the page that the query asks for."""
        listing = self.cut()
        if listing is None:
            return Page(rows=list(self.rows()), more=False)
        return read(self.rows(), self.said(), listing, marked=self.marked)

    def said(self) -> QueryDict:
        """Return the query that a page is read from."""
        return self.request.query_params

    def get(self, request: Request, **ids: str) -> Response:
        self.permit("list")
        return Response(self.envelope(self.page()))


class ReadOnlyItem(Noun):
    """One row, by the ids of its URL.

    before_row: actions whose rule looks at no row. It is checked before the row is looked for.
    hidden: a caller whom the rule of an action in ``before_row`` forbids to show a row gets ``not_found``, not 403.
    """

    before_row: ClassVar[tuple[str, ...]] = ()
    hidden: ClassVar[bool] = False

    def load(self, *args: Any, **kwargs: Any) -> Any:
        """Return the row with these ids, if the caller may see it. Raises ``not_found`` (404)."""
        raise NotImplementedError

    def permitted(self, action: str) -> Any:
        """Return the row, if the rule of an action allows it. Raises ``not_found`` (404), PolicyForbidden (403)."""
        if action in self.before_row:
            self._permit_unseen(action)
        row = self.load(*(self.id_of(text) for text in self.kwargs.values()))
        if action not in self.before_row:
            self.permit(action, row)
        return row

    def _permit_unseen(self, action: str) -> None:
        try:
            self.permit(action)
        except Forbidden:
            if self.hidden and action == "show":
                raise self.not_found(id=self.id_of([*self.kwargs.values()][-1])) from None
            raise

    def document(self, row: Any) -> dict[str, Any]:
        """Return the answer about a row."""
        return {self.noun: self.render(row)}

    def get(self, request: Request, **ids: str) -> Response:
        return Response(self.document(self.permitted("show")))


class Item(ReadOnlyItem):
    """One row that can be deleted; ``code_of_delete`` says so. PUT and PATCH are a service's or a view's own."""

    code_of_delete: ClassVar[int] = 204

    def remove(self, row: Any) -> None:
        """Delete the row."""
        raise NotImplementedError

    def delete(self, request: Request, **ids: str) -> Response:
        self.remove(self.permitted("delete"))
        return Response(status=self.code_of_delete)
