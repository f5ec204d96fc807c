"""Which calls an application credential may make (Keystone's access rules, as keystonemiddleware checks them).

Rules are tenants' texts and paths are callers', so neither may decide what a request costs. A rule is tried at all
places of a path at once: bit ``i`` of a number says that the rule's pieces so far can have used up ``i`` characters.
One piece is a few operations on such a number, whatever the path is; as a regular expression a rule took hours, place
by place a hundred rules took seconds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from apps.common.service_paths import SERVICES
from apps.identity.service_types import canonical

_PART = re.compile(r"\*\*|\*|\{[^{}/]*\}")
MAX_PATH = 1024  # characters; no call of ours is longer, so no rule has to be tried on what is
MAX_WILDCARDS = 16  # of a new rule; no call of ours has more than six variable segments
_ONE, _MANY = "?", "*"  # at least one character of a segment; any characters, of any number of segments


def wildcards(rule: str) -> int:
    """Return how many ``*``, ``**`` and ``{name}`` a rule's path has."""
    return len(_PART.findall(rule))


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


@dataclass(frozen=True, slots=True)
class _Places:
    """A request's path: where each letter stands, and where anything but a slash does. A bit for each character."""

    length: int
    letters: dict[str, int]
    within: int

    @classmethod
    def of(cls, path: str) -> "_Places":
        letters: dict[str, int] = {}
        for at, letter in enumerate(path):
            letters[letter] = letters.get(letter, 0) | 1 << at
        everywhere = (1 << len(path)) - 1
        return cls(len(path), letters, everywhere & ~letters.get("/", 0))

    def segment(self, reached: int) -> int:
        """Return every end of one or more characters other than a slash that begin at one of ``reached``.

        The carry of an addition runs from the first beginning in a segment to the segment's end.
        """
        begins = reached & self.within
        return ((((begins + self.within) ^ self.within) | begins) & self.within) << 1

    def anything(self, reached: int) -> int:
        """Return the first of ``reached`` and every place behind it."""
        return -(reached & -reached) & ((1 << self.length + 1) - 1)

    def are_covered_by(self, rule: str) -> bool:
        reached = 1
        for kind, letter in _pattern(rule):
            if not reached:
                return False
            if kind == _MANY:
                reached = self.anything(reached)
            elif kind == _ONE:
                reached = self.segment(reached)
            else:
                reached = (reached & self.letters.get(letter, 0)) << 1
        return bool(reached >> self.length)


def matches(rule: str, path: str) -> bool:
    """Return whether ``path`` is what a rule's path describes."""
    return _Places.of(path).are_covered_by(rule)


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
    ways = (_Places.of(f"/{rest}"), _Places.of(path))
    for kind, verb, pattern, _ in rules:
        same = canonical(kind) == service and (verb == method or (verb == "GET" and method == "HEAD"))
        if same and any(way.are_covered_by(pattern) for way in ways):
            return True
    return False
