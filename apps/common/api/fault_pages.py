"""Refusals as HTML: Glance answers so unless a client prefers JSON, and its own clients read nothing else."""

from http import HTTPStatus

from django.http import HttpResponse
from django.utils.html import escape

_PAGE = """<html>
 <head>
  <title>{code} {title}</title>
 </head>
 <body>
  <h1>{code} {title}</h1>
  {message}<br /><br />
 </body>
</html>"""
MAX_RANGES = 32  # media ranges of an Accept header that are read


def wanted(service: str, accept: str) -> bool:
    """Return whether a refusal of ``service`` is HTML for a client that sent this Accept header.

    The image service's is, unless the header names JSON and does not like HTML better. A client without the header,
    or with an empty one, gets JSON: openstacksdk's uploads send that.
    """
    if service != "image" or not accept.strip():
        return False
    accepted = qualities(accept)
    json = accepted.get("application/json", accepted.get("application/*", 0.0))
    return json <= 0 or accepted.get("text/html", 0.0) > json


def qualities(accept: str) -> dict[str, float]:
    """Return media type -> quality of an Accept header."""
    by_media_type: dict[str, float] = {}
    for part in accept.split(",")[:MAX_RANGES]:
        media, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            by_media_type.setdefault(media, float(quality))
        except ValueError:
            by_media_type.setdefault(media, 1.0)
    return by_media_type


def render(code: int, message: str) -> HttpResponse:
    """Return the page of a refusal: a title, and the sentence as text."""
    text = _PAGE.format(code=code, title=HTTPStatus(code).phrase, message=escape(message))
    return HttpResponse(text, status=code, content_type="text/html; charset=UTF-8")
