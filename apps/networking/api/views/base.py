"""Common parts of the views of Neutron's collections: pages with links both ways, bulk creation, revisions."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from apps.common import policy
from apps.common.api import collections, queries
from apps.common.api.collections import Page
from apps.common.api.documents import only, query_link
from apps.common.api.queries import Filter
from apps.common.api.views import Response
from apps.common.exceptions import BadRequest
from apps.networking.api import filters
from apps.networking.api.listing import LISTING
from apps.networking.services import revisions

MAX_BULK = 100
_REVISION = re.compile(r"revision_number=([0-9]{1,9})")
_CHANGES = ("update", "delete")


class Noun(collections.Noun):
    """``collection`` is the segment of the URL; ``policy_noun`` is the noun in rules, where it is another one."""

    collection: ClassVar[str]
    policy_noun: ClassVar[str] = ""

    def permit(self, action: str, row: Any = None) -> None:
        """Which rows a caller sees is the selectors' business: reading is allowed by the caller's own project."""
        rule = f"{action if action in _CHANGES else 'get'}_{self.policy_noun or self.noun}"
        policy.check(self.caller, rule, {"project_id": row.project_id} if row is not None else None)


class Collection(Noun, collections.Collection):
    """List and create."""

    listing = LISTING
    filters: ClassVar[Mapping[str, Filter]]

    def visible(self) -> QuerySet[Any]:
        """Return the rows that the caller may see."""
        raise NotImplementedError

    def rows(self) -> QuerySet[Any]:
        return filters.apply(self.visible(), queries.plain(self.request.query_params), self.filters)

    def marked(self) -> QuerySet[Any]:
        return self.visible()

    def make(self, values: dict[str, Any]) -> Any:
        """Check the rules for a new resource and make it from validated values. Raises PolicyForbidden (403)."""
        raise NotImplementedError

    def envelope(self, page: Page) -> dict[str, Any]:
        params = self.request.query_params
        body: dict[str, Any] = {self.plural: [only(self.render(row), params) for row in page.rows]}
        if (params.get("limit") or page.more) and page.rows:  # a truncated list is marked
            body[f"{self.plural}_links"] = self._links(page)
        return body

    def _links(self, page: Page) -> list[dict[str, str]]:
        """Return next and previous, as far as there is more in that direction."""
        params, without = self.request.query_params, ("marker", "page_reverse")
        base = self.request.build_absolute_uri(self.request.path)
        links = []
        if page.more or page.backwards:
            href = query_link(base, params, without=without, marker=str(page.rows[-1].id))
            links.append({"rel": "next", "href": href})
        if page.more if page.backwards else params.get("marker"):
            href = query_link(base, params, without=without, marker=str(page.rows[0].id), page_reverse="True")
            links.append({"rel": "previous", "href": href})
        return links

    def post(self, request: Request, **ids: str) -> Response:
        data = request.data
        if isinstance(data, dict) and self.plural in data:
            return self._bulk(data[self.plural])
        row = self.make(self.parse(request, self.noun))
        return Response({self.noun: self.render(row)}, status=201)

    def _bulk(self, documents: Any) -> Response:
        """Make several, or none."""
        if not isinstance(documents, list) or not documents or len(documents) > MAX_BULK:
            raise BadRequest(f"Invalid input: {self.plural} must be a list of 1 to {MAX_BULK} objects.")
        cls: type[Serializer[Any]] = self.request_serializers["post"]
        made = []
        with transaction.atomic():
            for document in documents:
                parsed = cls(data=document)
                parsed.is_valid(raise_exception=True)
                made.append(self.render(self.make(dict(parsed.validated_data))))
        return Response({self.plural: made}, status=201)


class ReadOnlyItem(Noun, collections.ReadOnlyItem):
    """Show."""

    before_row: ClassVar[tuple[str, ...]] = ("show",)

    def get(self, request: Request, **ids: str) -> Response:
        return Response({self.noun: only(self.render(self.permitted("show")), request.query_params)})


class Item(ReadOnlyItem, collections.Item):
    """Show, update, delete; ``If-Match`` names the revision that may be changed."""

    revised: ClassVar[bool] = True  # whether rows count their changes

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        """Check the rules of the values that change, beside the one of the change. Raises PolicyForbidden (403)."""

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        """Update the row and return it."""
        raise NotImplementedError

    def put(self, request: Request, **ids: str) -> Response:
        for text in ids.values():
            self.id_of(text)  # an ID that no row can have is a 404 whatever the body says
        values = self.parse(request, self.noun)
        row = self.permitted("update")
        self.permit_change(row, values)
        with self.constrained(request, row):
            row = self.change(row, values)
        return Response({self.noun: self.render(row)})

    def delete(self, request: Request, **ids: str) -> Response:
        row = self.permitted("delete")
        with self.constrained(request, row):
            self.remove(row)
        return Response(status=204)

    def constrained(self, request: Request, row: Any) -> AbstractContextManager[None]:
        """Hold the resource at the revision that If-Match names, if it names one."""
        number = expected_revision(request) if self.revised else None
        return nullcontext() if number is None else revisions.expected(row, number)


def expected_revision(request: Request) -> int | None:
    """Return the revision that If-Match names, if it is sent. Raises BadRequest (400)."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    match = _REVISION.fullmatch(header.strip())
    if match is None:
        raise BadRequest("If-Match takes revision_number=N.")
    return int(match.group(1))
