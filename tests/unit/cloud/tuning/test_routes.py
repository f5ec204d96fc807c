"""The tree of routes resolves every path as the flat list does."""

import re
import uuid

import pytest
from django.http import Http404
from django.urls.resolvers import RegexPattern, URLPattern, URLResolver

from apps.compute.api import urls as compute
from apps.identity.api import urls as identity
from apps.images.api import urls as images
from apps.networking.api import urls as networking
from cloud.tuning import routes

FLAT = [*compute.urlpatterns, *networking.urlpatterns, *images.urlpatterns, *identity.urlpatterns]
VALUES = {"uuid": str(uuid.UUID(int=7)), "int": "7", "path": "a/b", "str": "x1", "project": uuid.UUID(int=7).hex}


def paths(patterns: list[URLPattern | URLResolver], before: str = "/") -> list[str]:
    """Return a path that each pattern matches."""
    found = []
    for pattern in patterns:
        text = re.sub(r"<(?:(\w+):)?\w+>", lambda part: VALUES.get(part[1] or "str", "x1"), str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            found += paths(pattern.url_patterns, before + text)
        else:
            found.append(before + text)
    return found


def resolve(resolver: URLResolver, path: str) -> tuple[object, dict[str, object], str] | None:
    try:
        found = resolver.resolve(path)
    except Http404:
        return None
    return found.func, found.kwargs, found.view_name


def test_every_path_resolves_as_before() -> None:
    flat, tree = (URLResolver(RegexPattern(r"^/"), given) for given in (FLAT, routes.tree(FLAT)))
    given = paths(FLAT)
    assert len(given) > 200
    for path in given:
        found = resolve(flat, path)
        assert found is not None and resolve(tree, path) == found, path
        for other in (f"{path}/", f"{path}x/y/z", path.rsplit("/", 1)[0]):
            assert resolve(tree, other) == resolve(flat, other), other
    assert len(tree.url_patterns) < len(flat.url_patterns) / 10


@pytest.mark.parametrize("path", ["/", "/nothing/here", "/compute/v2.1/nothing"])
def test_unknown_paths_stay_unknown(path: str) -> None:
    assert resolve(URLResolver(RegexPattern(r"^/"), routes.tree(FLAT)), path) is None
