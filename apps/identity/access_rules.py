"""Which calls an application credential may make (Keystone's access rules, as keystonemiddleware checks them).

Rules are tenants' texts, so they are matched segment by segment in time of rule times path: as one regular expression a
rule of many ``{}`` kept a process busy for hours.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from apps.common.middleware import SERVICES
from apps.identity.service_types import canonical

_PART = re.compile(r"\*\*|\*|\{[^{}/]*\}")
MAX_PATH = 1024  # characters; no call of ours is longer, so no rule has to be tried on what is
_ONE, _MANY = "?", "*"  # at least one character of a segment; any characters, of any number of segments


@lru_cache(maxsize=1024)
def _pattern(path: str) -> tuple[tuple[str, str], ...]:
    """Return a rule's path as pieces (kind, letter): ``*`` and ``{name}`` are a segment, ``**`` is any number."""
    pieces, end = [], 0
    for match in _PART.finditer(path):
        pieces += [("", letter) for letter in path[end : match.start()]]
        pieces.append((_MANY if match[0] == "**" else _ONE, ""))
        end = match.end()
    pieces += [("", letter) for letter in path[end:]]
    return tuple(pieces)


def matches(rule: str, path: str) -> bool:
    """Return whether ``path`` is what a rule's path describes."""
    reached = {0}  # how much of the path the pieces so far can have used up
    for kind, letter in _pattern(rule):
        if not reached:
            return False
        if kind == _MANY:
            reached = set(range(min(reached), len(path) + 1))
        elif kind == _ONE:
            reached = _within_segments(path, reached)
        else:
            reached = {at + 1 for at in reached if path[at : at + 1] == letter}
    return len(path) in reached


def _within_segments(path: str, reached: set[int]) -> set[int]:
    """Return every end of one or more characters other than a slash that begin at one of ``reached``."""
    ends, inside = set(), False
    for at in range(min(reached), len(path)):
        inside = (inside or at in reached) and path[at] != "/"
        if inside:
            ends.add(at + 1)
    return ends


def allow(rules: Iterable[tuple[str, str, str, str]], *, method: str, path: str) -> bool:
    """Return whether one of ``rules`` (service, method, path, id) covers the call; no rules at all cover everything.

    A rule's path is the service's own (``/v2.1/servers``), as in Keystone; with the service's prefix it is good too.
    """
    rules = tuple(rules)
    if not rules:
        return True
    service, _, rest = path.lstrip("/").partition("/")
    if service not in SERVICES or len(path) > MAX_PATH:
        return False
    for kind, verb, pattern, _ in rules:
        same = canonical(kind) == service and (verb == method or (verb == "GET" and method == "HEAD"))
        if same and any(matches(pattern, one) for one in (f"/{rest}", path)):
            return True
    return False
