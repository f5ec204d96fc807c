"""Which renderer answers: a page for browsers, JSON for everyone else whatever they say they accept."""

from collections.abc import Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation

from apps.common.api.fault_pages import qualities


def wants_page(meta: Mapping[str, Any]) -> bool:
    """Return whether a request wants a page: from a browser that opens it, or from who accepts nothing else.

    Programs name text/html too (Java's old client does), beside anything at all: they get JSON, as does everyone with a
    token. Browsers say ``Sec-Fetch-Mode: navigate``; older ones are known by application/xhtml+xml.
    """
    accept = meta.get("HTTP_ACCEPT", "")
    if "text/html" not in accept:
        return False
    liked = qualities(accept)
    if liked.get("application/json", 0.0) >= liked.get("text/html", 0.0):
        return False
    if not any(name.endswith("*") for name in liked):
        return True
    if meta.get("HTTP_X_AUTH_TOKEN"):
        return False
    mode = meta.get("HTTP_SEC_FETCH_MODE")
    return mode == "navigate" if mode else "application/xhtml+xml" in liked


class BrowserOrJSON(BaseContentNegotiation):
    """openstacksdk sends an empty Accept for actions and uploads; DRF's own negotiator answers 406 to that."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        content_type = (request.content_type or "").split(";")[0].strip().lower()
        for parser in parsers:
            if parser.media_type == content_type or parser.media_type == "*/*":
                return parser
        return None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        wanted = "text/html" if wants_page(request.META) else "application/json"
        for renderer in renderers:
            if renderer.media_type == wanted:
                return renderer, renderer.media_type
        return renderers[0], renderers[0].media_type
