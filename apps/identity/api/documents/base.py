"""Times, links and envelopes as Keystone writes them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from apps.common.api.documents import microseconds


def time_text(moment: datetime | None) -> str | None:
    """Return ``2026-01-01T00:00:00.000000Z``: clients parse no other zone than Z."""
    return f"{microseconds(moment)}Z" if moment is not None else None


def zoneless_time_text(moment: datetime | None) -> str | None:
    """Return ``2026-01-01T00:00:00.000000``.

    Keystone writes a user's ``password_expires_at`` and an application credential's ``expires_at`` this way, and
    gophercloud parses them so.
    """
    return microseconds(moment)


def time_of_microseconds(value: int) -> str:
    seconds, micro = divmod(value, 1_000_000)
    return f"{microseconds(datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micro))}Z"


def link(request: Any, *parts: str) -> str:
    """Return the absolute URL of ``/identity/v3/<parts>``."""
    return str(request.build_absolute_uri("/".join(("/identity/v3", *parts))))


def linked(request: Any, collection: str, document: dict[str, Any]) -> dict[str, Any]:
    """Add the link to itself that every document carries."""
    return {**document, "links": {"self": link(request, collection, str(document["id"]))}}


def envelope(request: Any, key: str, documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return a whole list with its links."""
    return {key: list(documents), "links": {"self": request.build_absolute_uri(), "previous": None, "next": None}}
