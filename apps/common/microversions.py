"""Microversions as a mechanism: a version range beside each handler and each field.

A request names a version by ``OpenStack-API-Version: compute 2.N`` or ``X-OpenStack-Nova-API-Version: 2.N``.
See the OpenStack API SIG's guideline on microversions.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, NamedTuple

from apps.common.exceptions import BadRequest, NotAcceptable, NotFound

_VERSION = re.compile(r"^([1-9]\d{0,2})\.(0|[1-9]\d{0,3})$")


class Version(NamedTuple):
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Range(NamedTuple):
    """Both ends included; ``until`` None is open."""

    since: Version
    until: Version | None = None

    def __contains__(self, version: object) -> bool:
        return isinstance(version, Version) and self.since <= version and (self.until is None or version <= self.until)


def version(text: str) -> Version:
    """Parse "2.15". Raises ValueError."""
    match = _VERSION.match(text)
    if match is None:
        raise ValueError(text)
    return Version(int(match[1]), int(match[2]))


def since(first: str, until: str | None = None) -> Range:
    """Return the range from ``first`` to ``until``, both included."""
    return Range(version(first), version(until) if until else None)


def requested(
    sent: Mapping[str, str],
    *,
    service: str,
    legacy: str | None,
    lowest: Version,
    highest: Version,
    unnamed: Version | None = None,
) -> Version:
    """Return the version a request asks for: ``unnamed``, or else ``lowest``, when it names none.

    ``sent`` is the request's META, and ``legacy`` the key in it of an older header.

    Raises BadRequest (400) when it is malformed and NotAcceptable (406) when it is out of range.
    """
    text = sent.get(legacy, "") if legacy else ""
    for part in sent.get("HTTP_OPENSTACK_API_VERSION", "").split(","):
        name, _, value = part.strip().partition(" ")
        if name.lower() == service:
            text = value.strip()
    if not text:
        return unnamed or lowest
    if text == "latest":
        return highest
    try:
        chosen = version(text)
    except ValueError:
        raise BadRequest(
            f"API Version String {text[:64]} is of invalid format. Must be of format MajorNum.MinorNum."
        ) from None
    if not lowest <= chosen <= highest:
        raise NotAcceptable(
            f"Version {chosen} is not supported by the API. Minimum is {lowest} and maximum is {highest}."
        )
    return chosen


_handlers: dict[str, list[tuple[Range, Callable[..., Any]]]] = {}


def handler(first: str, until: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a view's method as the one for versions ``first`` to ``until``; several may share a name.

    A request whose version no variant covers gets 404, as in Nova.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        variants = _handlers.setdefault(f"{function.__module__}.{function.__qualname__}", [])
        variants.append((since(first, until), function))

        @wraps(function)
        def choose(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            for covered, variant in variants:
                if request.version in covered:
                    return variant(view, request, *args, **kwargs)
            raise NotFound(f"API version '{request.version}' is not supported on this method.")

        return choose

    return mark


def hidden(fields: Mapping[str, Range], asked: Version) -> frozenset[str]:
    """Return the names in ``fields`` that do not belong to version ``asked``."""
    return frozenset(name for name, covered in fields.items() if asked not in covered)


def without(document: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Drop the keys ``names`` from ``document`` in place and return it."""
    for key in names:
        document.pop(key, None)
    return document
