"""Which calls an application credential may make (Keystone's access rules, as keystonemiddleware checks them).

Tenants write the rules and callers the paths, so neither may decide what a request costs. RE2 matches in time that is
linear in the path, whatever the rule says; a backtracking engine took hours for some rules.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from apps.common.service_paths import SERVICES
from apps.identity.service_types import canonical

_WILDCARD = re.compile(r"\*\*|\*|\{[^{}/]*\}")
MAX_PATH = 1024  # characters; no call of ours is longer, so longer paths match no rule
MAX_WILDCARDS = 16  # of a new rule; no call of ours has more than six variable segments


def wildcards(rule: str) -> int:
    """Return how many ``*``, ``**`` and ``{name}`` a rule's path has."""
    return len(_WILDCARD.findall(rule))


@lru_cache(maxsize=1024)
def _compiled(rule: str) -> Any:
    """Return a rule's path as a compiled expression: ``*`` and ``{name}`` are a segment, ``**`` is any number.

    Compiling takes 0.2 ms for the longest rules. The library is imported here because it takes 2 MB, which only
    processes that meet access rules need.
    """
    import re2

    pieces, end = [], 0
    for wildcard in _WILDCARD.finditer(rule):
        pieces += [re2.escape(rule[end : wildcard.start()]), ".*" if wildcard[0] == "**" else "[^/]+"]
        end = wildcard.end()
    return re2.compile("(?s)" + "".join(pieces) + re2.escape(rule[end:]))


def matches(rule: str, path: str) -> bool:
    """Return whether a rule's path matches ``path``."""
    return _compiled(rule).fullmatch(path) is not None


def allow(rules: Iterable[tuple[str, str, str, str]], *, method: str, path: str) -> bool:
    """Return whether one of ``rules`` (service, method, path, id) covers the call. Without rules every call is allowed.

    A rule's path is relative to the service (``/v2.1/servers``), as in Keystone, or begins with the service's prefix.
    """
    rules = tuple(rules)
    if not rules:
        return True
    service, _, rest = path.lstrip("/").partition("/")
    if service not in SERVICES or len(path) > MAX_PATH:
        return False
    paths = (f"/{rest}", path)
    for kind, verb, pattern, _ in rules:
        same = canonical(kind) == service and (verb == method or (verb == "GET" and method == "HEAD"))
        if same and any(matches(pattern, candidate) for candidate in paths):
            return True
    return False
