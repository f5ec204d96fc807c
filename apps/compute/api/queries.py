"""Query parameters: which are known, from which microversion unknown ones are refused, and how words are read."""

from collections.abc import Iterable

from rest_framework.request import Request

from apps.common.exceptions import BadRequest
from apps.common.microversions import version

_TRUE = {"1", "t", "true", "on", "y", "yes"}
_FALSE = {"0", "f", "false", "off", "n", "no"}


def check(
    request: Request, known: Iterable[str] = (), *, strict_since: str = "2.75", repeatable: Iterable[str] = ()
) -> None:
    """Refuse what Nova's query schemas refuse: repeated parameters, and unknown ones from ``strict_since`` on.

    Raises BadRequest (400) naming the parameter.
    """
    names = set(known)
    for name in names:
        if len(request.GET.getlist(name)) > 1:
            raise BadRequest(f"Invalid input for query parameters {name}. It was given more than once.")
    unknown = sorted(set(request.GET) - names - set(repeatable))
    if unknown and request.version >= version(strict_since):
        told = "', '".join(name[:64] for name in unknown[:5])
        raise BadRequest(f"Additional properties are not allowed ('{told}' was unexpected)")


def boolean(text: str, name: str) -> bool:
    """Read True/False/1/0/yes/no. Raises BadRequest (400)."""
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise BadRequest(f"Invalid input for query parameters {name}. Value: {text[:64]}. It must be a boolean.")


def whole(text: str, message: str) -> int:
    """Read a whole number >= 0 of at most 9 digits. Raises BadRequest (400) with ``message``."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadRequest(message.format(text[:64]))
    return int(text)
