"""Images in the pool, of which volumes are clones."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path
from threading import Event

from workers.drivers.volume.base import FromImage
from workers.drivers.volume.ceph.cluster import Cluster


def is_content(image: FromImage) -> bool:
    """Return whether a volume is a clone of what the image store has: that is raw."""
    return bool(image.in_pool) and image.format != "qcow2"


def key_of(image: FromImage) -> str:
    """Return an image's name in the pool: files of the host's cache are named by their digest."""
    return hashlib.sha256(Path(image.path).name.encode()).hexdigest()[:32]


def bring(cluster: Cluster, image: FromImage, stop: Event | None) -> None:
    """Copy an image into the pool, as raw, from the host's cache or from the cluster's image store.

    The caller holds the host's lock of its name. Raises Stopped, PoolUnavailable, PoolFull.
    """
    new, is_whole = str(uuid.uuid4()), False
    cluster.do("begin_base", new=new, size=image.virtual_size)
    try:
        pool, _, name = image.in_pool.partition("/")
        path = cluster.url(name, pool=pool) if pool else image.path
        form = "raw" if image.format == "iso" else image.format
        cluster.convert((form, path), ("raw", cluster.url(f"new-{new}")), stop)
        is_whole = True
    finally:
        cluster.do("end_base", key=key_of(image), new=new, whole=is_whole, limit_s=600.0)
