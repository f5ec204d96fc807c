"""The part of a page that a script fetches again: with an ETag, so that nothing travels twice."""

import hashlib
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

BUSY_SECONDS, IDLE_SECONDS = 2, 15
_TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


def respond(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Render the part, or answer 304 if the caller has the same already (If-None-Match)."""
    return answer(request, render_to_string(template, context, request).encode())


def part_of(request: HttpRequest, page: bytes) -> HttpResponse:
    """Answer with the part of a rendered page that refreshes: its element, from its start tag on."""
    start, end = page.find(b'<div id="cel-live"'), page.find(b"<!--/live-->")
    return answer(request, page[start:end] + b"</div>" if 0 <= start < end else b"")


def answer(request: HttpRequest, content: bytes) -> HttpResponse:
    """Return the part with its ETag, or 304."""
    etag = f'"{hashlib.sha256(_TOKEN.sub(b"", content)).hexdigest()[:32]}"'
    same = request.headers.get("If-None-Match") == etag
    response = HttpResponse(status=304) if same else HttpResponse(content)
    response["ETag"] = etag
    # By this header the script distinguishes a refreshed part from another page (sign-in, an error).
    response["X-Live-ETag"] = etag
    return response


def every(*, busy: bool) -> int:
    """Return after how many seconds a page looks again."""
    return BUSY_SECONDS if busy else IDLE_SECONDS
