"""Times, links and envelopes as Keystone writes them."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from apps.common import pagination
from apps.identity.selectors import pages

Show = Callable[[Any], dict[str, Any]]
FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def time_text(moment: datetime | None) -> str | None:
    """Return ``2026-01-01T00:00:00.000000Z``: clients parse no other zone than Z."""
    return moment.astimezone(UTC).strftime(FORMAT) if moment is not None else None


def zoneless_time_text(moment: datetime | None) -> str | None:
    """Return ``2026-01-01T00:00:00.000000``.

    Keystone writes a user's ``password_expires_at`` and an application credential's ``expires_at`` this way, and
    gophercloud parses them so.
    """
    return moment.astimezone(UTC).strftime(FORMAT.removesuffix("Z")) if moment is not None else None


def time_of_microseconds(value: int) -> str:
    seconds, micro = divmod(value, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micro).strftime(FORMAT)


def link(request: Any, *parts: str) -> str:
    """Return the absolute URL of ``/identity/v3/<parts>``."""
    return str(request.build_absolute_uri("/".join(("/identity/v3", *parts))))


def one(request: Any, collection: str, document: dict[str, Any]) -> dict[str, Any]:
    """Add the link to itself that every document carries."""
    return {**document, "links": {"self": link(request, collection, str(document["id"]))}}


def envelope(request: Any, key: str, documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return a whole list with its links."""
    return {key: list(documents), "links": {"self": request.build_absolute_uri(), "previous": None, "next": None}}


def many(request: Any, key: str, rows: QuerySet[Any], show: Show) -> dict[str, Any]:
    """Return the page of ``rows`` that the query requests, cut at the settings' limit and marked as truncated."""
    page = pages.read(rows, request.query_params)
    answer = envelope(request, key, (show(row) for row in page.rows))
    if page.more:
        answer["links"]["next"] = pagination.next_link(request, marker=page.rows[-1].pk)[0]["href"]
    return {**answer, "truncated": True} if page.truncated else answer
