"""Parts of documents that services share: times, chosen fields and the links of pages."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest


def seconds(moment: datetime) -> str:
    """Return ``2026-01-01T00:00:00Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def microseconds(moment: datetime | None) -> str | None:
    """Return ``2026-01-01T00:00:00.000000``, in UTC, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def only(document: dict[str, Any], params: Any) -> dict[str, Any]:
    """Keep the keys that ``fields`` names, if it names any."""
    wanted = set(params.getlist("fields"))
    return {key: value for key, value in document.items() if key in wanted} if wanted else document


def query_link(base: str, params: Any, *, without: Iterable[str] = ("marker",), **added: str) -> str:
    """Return ``base`` with the request's parameters but those in ``without``, and with ``added``."""
    left_out = set(without)
    pairs = [(key, value) for key, values in params.lists() for value in values if key not in left_out]
    pairs += added.items()
    return f"{base}?{urlencode(pairs)}" if pairs else base


def next_link(request: HttpRequest, *, marker: str) -> list[dict[str, str]]:
    """Return the ``*_links`` list that points behind ``marker``, with the request's other parameters kept."""
    asked = request.GET.getlist("limit")
    added = {"limit": asked[0], "marker": marker} if asked else {"marker": marker}
    href = query_link(request.build_absolute_uri(request.path), request.GET, without=("marker", "limit"), **added)
    return [{"rel": "next", "href": href}]
