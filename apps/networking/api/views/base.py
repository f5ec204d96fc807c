"""What the views of all collections share: lists, single and bulk creation, and the items."""

import re
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from apps.common import policy
from apps.common.api.views import Response, ServiceView
from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.common.identifiers import parse_uuid
from apps.common.pagination import limit_of, page
from apps.networking.exceptions import UnknownMarker
from apps.networking.selectors import filters
from apps.networking.services import revisions

MAX_BULK = 100
_REVISION = re.compile(r"revision_number=([0-9]{1,9})")
RENAMED = {"tenant_id": "project_id"}


def only(document: dict[str, Any], params: Any) -> dict[str, Any]:
    """Keep the keys that ``fields`` names, if it names any."""
    wanted = set(params.getlist("fields"))
    return {key: value for key, value in document.items() if key in wanted} if wanted else document


class Noun(ServiceView):
    """``noun`` and ``plural`` are the JSON keys; ``collection`` is the segment of the URL."""

    noun: ClassVar[str]
    plural: ClassVar[str]
    collection: ClassVar[str]
    not_found: ClassVar[type[NotFound]]

    def render(self, row: Any) -> dict[str, Any]:
        """Return the document of a row."""
        raise NotImplementedError

    def id_of(self, text: str) -> uuid.UUID:
        """Return the id in a URL; 404 for what is none: clients look names up that way."""
        found = parse_uuid(text)
        if found is None:
            raise self.not_found(id=text[:255])
        return found


class Collection(Noun):
    """List and create."""

    filters: ClassVar[Mapping[str, filters.Filter]]
    sort_keys: ClassVar[frozenset[str]] = frozenset()

    def rows(self, context: RequestContext, params: Mapping[str, list[str]]) -> QuerySet[Any]:
        """Return what the caller may see."""
        raise NotImplementedError

    def make(self, values: dict[str, Any]) -> Any:
        """Make one resource from validated values."""
        raise NotImplementedError

    def get(self, request: Request) -> Response:
        policy.check(self.caller, f"get_{self.noun}")
        params = request.query_params
        found = filters.apply(self.rows(self.caller, dict(params.lists())), dict(params.lists()), self.filters)
        backwards = params.get("page_reverse", "").lower() in ("true", "1")
        sort = self._sort(params, backwards)
        limit = limit_of(params)
        rows, more = page(found, sort=sort, marker=self._marker(params.get("marker")), limit=limit)
        if backwards:
            rows.reverse()
        body: dict[str, Any] = {self.plural: [only(self.render(row), params) for row in rows]}
        if (params.get("limit") or more) and rows:  # a list that was cut says so, whoever cut it
            body[f"{self.plural}_links"] = self._links(request, rows, more, backwards)
        return Response(body)

    def _marker(self, text: str | None) -> Any:
        if not text:
            return None
        found = parse_uuid(text)
        row = self.rows(self.caller, {}).filter(id=found).first() if found else None
        if row is None:
            raise UnknownMarker(id=text[:64])
        return row

    def _sort(self, params: Any, backwards: bool) -> list[tuple[str, str]]:
        keys, directions = params.getlist("sort_key"), params.getlist("sort_dir")
        if len(directions) not in (0, len(keys)):
            raise BadRequest("The number of sort_keys and sort_dirs must be same")
        chosen: dict[str, str] = {}
        given = [(key, directions[i] if directions else "asc") for i, key in enumerate(keys[:8])]
        for key, direction in [*given, ("created_at", "asc"), ("id", "asc")]:
            if key not in self._allowed_keys():
                raise BadRequest(f"{key[:64]} is invalid attribute for sort_keys")
            if direction not in ("asc", "desc"):
                raise BadRequest(f"{direction[:64]} is invalid for sort_dir: it must be asc or desc")
            flipped = {"asc": "desc", "desc": "asc"}[direction] if backwards else direction
            chosen.setdefault(RENAMED.get(key, key), flipped)
        return list(chosen.items())

    def _allowed_keys(self) -> set[str]:
        return {"id", "name", "project_id", "tenant_id", "created_at", "updated_at"} | self.sort_keys

    def _links(self, request: Request, rows: list[Any], more: bool, backwards: bool) -> list[dict[str, str]]:
        """Return next and previous, as far as there is more in that direction."""
        kept = [
            (key, value)
            for key, values in request.query_params.lists()
            for value in values
            if key not in ("marker", "page_reverse")
        ]
        base = request.build_absolute_uri(f"/network/v2.0/{self.collection}")
        marked = bool(request.query_params.get("marker"))
        links = []
        if more or backwards:
            links.append({"rel": "next", "href": f"{base}?{urlencode([*kept, ('marker', str(rows[-1].id))])}"})
        if marked if not backwards else more:
            pairs = [*kept, ("marker", str(rows[0].id)), ("page_reverse", "True")]
            links.append({"rel": "previous", "href": f"{base}?{urlencode(pairs)}"})
        return links

    def post(self, request: Request) -> Response:
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


class Item(Noun):
    """Show, update, delete."""

    def load(self, item_id: uuid.UUID) -> Any:
        """Return the row, if the caller may see it."""
        raise NotImplementedError

    def change(self, item_id: uuid.UUID, values: dict[str, Any]) -> Any:
        """Update the row and return it."""
        raise NotImplementedError

    def remove(self, item_id: uuid.UUID) -> None:
        """Delete the row."""
        raise NotImplementedError

    def get(self, request: Request, item_id: str) -> Response:
        policy.check(self.caller, f"get_{self.noun}")
        row = self.load(self.id_of(item_id))
        return Response({self.noun: only(self.render(row), request.query_params)})

    def put(self, request: Request, item_id: str) -> Response:
        found, values = self.id_of(item_id), self.parse(request, self.noun)
        with self._constrained(request, found):
            row = self.change(found, values)
        return Response({self.noun: self.render(row)})

    def delete(self, request: Request, item_id: str) -> Response:
        found = self.id_of(item_id)
        with self._constrained(request, found):
            self.remove(found)
        return Response(status=204)

    def _constrained(self, request: Request, item_id: uuid.UUID) -> AbstractContextManager[None]:
        """Hold the resource at the revision that If-Match names, if it names one."""
        header = request.headers.get("If-Match")
        if header is None:
            return nullcontext()
        match = _REVISION.fullmatch(header.strip())
        if match is None:
            raise BadRequest("If-Match takes revision_number=N.")
        return revisions.expected(self.load(item_id), int(match.group(1)))
