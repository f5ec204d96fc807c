"""Which renderer answers: a page for browsers, JSON for everyone else whatever they say they accept."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation


class BrowserOrJSON(BaseContentNegotiation):
    """openstacksdk sends an empty Accept for actions and uploads; DRF's own negotiator answers 406 to that."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        content_type = (request.content_type or "").split(";")[0].strip().lower()
        for parser in parsers:
            if parser.media_type == content_type or parser.media_type == "*/*":
                return parser
        return None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        wanted = "text/html" if "text/html" in request.META.get("HTTP_ACCEPT", "") else "application/json"
        for renderer in renderers:
            if renderer.media_type == wanted:
                return renderer, renderer.media_type
        return renderers[0], renderers[0].media_type
