"""Reads `CELERITY_ROOT_STORE` and `CELERITY_IMAGE_STORE`: files, or a pool of the Ceph cluster."""

import re
from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured

_POOL = re.compile(r"rbd://(?P<pool>[A-Za-z0-9][\w.-]*)/?")


def pool_of(setting: str, text: str) -> str:
    """Return the pool that a store is in; "" for files. Raises ImproperlyConfigured."""
    if text in ("", "local"):
        return ""
    parts = _POOL.fullmatch(text)
    if parts is None:
        raise ImproperlyConfigured(f"{setting}: {text!r} is neither local nor rbd://pool.")
    return parts["pool"]


def check(root_pool: str, backends: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse volumes that claim their room from the disk of servers where that is no host's. Raises
    ImproperlyConfigured.
    """
    if root_pool and "local" in backends:
        raise ImproperlyConfigured(
            "CELERITY_ROOT_STORE: the disks of servers are in a pool, of which the back end `local` has no share. "
            "Say CELERITY_VOLUME_BACKENDS=ceph, or give local volumes their own directory: name=local:/path."
        )
