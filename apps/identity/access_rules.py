"""Which calls an application credential may make (Keystone's access rules, as keystonemiddleware checks them)."""

import re
from collections.abc import Iterable
from functools import lru_cache

from apps.common.middleware import SERVICES
from apps.identity.service_types import canonical

_PART = re.compile(r"\*\*|\*|\{[^{}/]*\}")


@lru_cache(maxsize=1024)
def _pattern(path: str) -> re.Pattern[str]:
    """Return a rule's path as an expression: ``*`` and ``{name}`` stand for one segment, ``**`` for any number."""
    pieces, end = [], 0
    for match in _PART.finditer(path):
        pieces += [re.escape(path[end : match.start()]), ".*" if match[0] == "**" else "[^/]+"]
        end = match.end()
    pieces.append(re.escape(path[end:]))
    return re.compile("".join(pieces))


def allow(rules: Iterable[tuple[str, str, str, str]], *, method: str, path: str) -> bool:
    """Return whether one of ``rules`` (service, method, path, id) covers the call; no rules at all cover everything.

    A rule's path is the service's own (``/v2.1/servers``), as in Keystone; with the service's prefix it is good too.
    """
    rules = tuple(rules)
    if not rules:
        return True
    service, _, rest = path.lstrip("/").partition("/")
    if service not in SERVICES:
        return False
    for kind, verb, pattern, _ in rules:
        same = canonical(kind) == service and (verb == method or (verb == "GET" and method == "HEAD"))
        if same and any(_pattern(pattern).fullmatch(one) for one in (f"/{rest}", path)):
            return True
    return False
