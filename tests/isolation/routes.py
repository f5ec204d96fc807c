"""Every route of every service, as the URL table has it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import get_resolver

from apps.common.api.not_offered import NotOfferedView

SERVICES = ("identity", "compute", "image", "network", "volume")
METHODS = ("get", "head", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")

# What anyone may ask without a token: which versions there are, and signing in.
OPEN = {
    *(("get", route) for route in ("identity", "identity/v3", "identity/v2.0", "identity/v2.0/extensions")),
    *(("get", route) for route in ("compute", "compute/v2.1", "compute/v2")),
    *(("get", route) for route in ("image", "image/versions", "image/v2", "network", "network/v2.0")),
    *(("get", route) for route in ("volume", "volume/v3")),
    ("post", "identity/v3/auth/tokens"),
    ("post", "identity/v2.0/tokens"),
}
# Between the cloud's own processes: hosts send a signature, no token, and everyone else gets 404.
# The routes of compute/v2.1 and volume/v3 under other names, and what only says that it is not offered.
ALIASES = ("compute/v2/", "compute/v2.1/<project:project_in_url>/", "volume/v3/<project:project_in_url>/")
INTERNAL = {
    "image/internal/blobs/<str:sha512>",
    "image/internal/uploads/<uuid:image_id>/<uuid:run_id>",
}


@dataclass(frozen=True)
class Call:
    """A method on a route; aliases are left out."""

    method: str
    route: str
    view: Any

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.route)

    @property
    def writes(self) -> bool:
        return self.method not in ("get", "head")

    @property
    def is_open(self) -> bool:
        return ("get" if self.method == "head" else self.method, self.route) in OPEN

    def path(self, values: dict[str, str]) -> str:
        return "/" + _PARAMETER.sub(lambda match: values[match[1]], self.route)

    def __str__(self) -> str:
        return f"{self.method.upper()} /{self.route}"


def _walk(patterns: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def calls() -> list[Call]:
    """Return every call that the services answer, in the order of the table."""
    found = []
    for route, callback in _walk(get_resolver().url_patterns):
        if route in INTERNAL or route.split("/", 1)[0] not in SERVICES or route.startswith(ALIASES):
            continue
        view = getattr(callback, "view_class", None) or getattr(callback, "cls", None)
        if isinstance(view, type) and issubclass(view, NotOfferedView):
            continue
        for method in METHODS:
            name = "get" if method == "head" else method
            if hasattr(view, name) and name in view.http_method_names:
                found.append(Call(method, route, view))
    return found
