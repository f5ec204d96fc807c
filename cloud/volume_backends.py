"""Reads `CELERITY_VOLUME_BACKENDS`."""

import os.path
import re
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

_BACKEND = re.compile(
    r"(?P<name>[a-z][a-z0-9_-]{0,31})(?:=(?:(?P<kind>local|shared):(?P<path>/[^,]+)|ceph:(?P<pool>[A-Za-z0-9][\w.-]*)))?"
)


def read(texts: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the kind and the path of each back end, by its name, in their order; ``path`` is a directory, or a pool.

    Raises ImproperlyConfigured.
    """
    backends: dict[str, dict[str, str]] = {}
    for text in texts:
        parts = _BACKEND.fullmatch("ceph=ceph:volumes" if text.strip() == "ceph" else text.strip())
        place = parts and (parts["path"] or parts["pool"])
        if parts is None or parts["name"] in backends or (not place) != (parts["name"] == "local"):
            raise ImproperlyConfigured(
                f"CELERITY_VOLUME_BACKENDS: {text!r} is none of local, name=local:/path, name=shared:/path, ceph and "
                "name=ceph:pool."
            )
        known = {os.path.normpath(item["path"]) for item in backends.values() if item["path"]}
        if place and os.path.normpath(place) in known:
            raise ImproperlyConfigured(f"CELERITY_VOLUME_BACKENDS: two back ends have {place}.")
        kind = "ceph" if parts["pool"] else parts["kind"] or "local"
        backends[parts["name"]] = {"kind": kind, "path": place or ""}
    return backends
