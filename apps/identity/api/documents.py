"""Times, links and envelopes as Keystone writes them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def time_text(moment: datetime | None) -> str | None:
    """Return ``2026-01-01T00:00:00.000000Z``: clients parse no other zone than Z."""
    return moment.astimezone(UTC).strftime(FORMAT) if moment is not None else None


def time_of_microseconds(value: int) -> str:
    seconds, micro = divmod(value, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micro).strftime(FORMAT)


def link(request: Any, *parts: str) -> str:
    """Return the absolute URL of ``/identity/v3/<parts>``."""
    return str(request.build_absolute_uri("/".join(("/identity/v3", *parts))))


def one(request: Any, collection: str, document: dict[str, Any]) -> dict[str, Any]:
    """Add the link to itself that every document carries."""
    return {**document, "links": {"self": link(request, collection, str(document["id"]))}}


def many(request: Any, key: str, documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the whole list: the SDK follows no next link of identity, so it is never cut."""
    links = {"self": request.build_absolute_uri(), "previous": None, "next": None}
    return {key: list(documents), "links": links}
