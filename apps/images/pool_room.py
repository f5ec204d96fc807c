"""The room of the image store's pool, as the cluster says."""

import json
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.images import exceptions, pool

ROOM_SECONDS = 10
NEVER = 1 << 60


@dataclass(frozen=True, slots=True)
class _Room:
    """What a pool's cluster last said."""

    pool: str
    free: int
    asked_at: float


_known_room: _Room | None = None


def room(*, patient: bool = False) -> int:
    """Return the bytes that are free, as the cluster's manager and the pool's quota say; many where nobody says.

    An answer is good for some seconds, and to a ``patient`` caller for longer while the cluster does not answer.
    Raises StoreUnavailable.
    """
    global _known_room
    known, now = _known_room, time.monotonic()
    if known is not None and known.pool == settings.IMAGE_STORE and now < known.asked_at + ROOM_SECONDS:
        return known.free
    try:
        known = _known_room = _Room(settings.IMAGE_STORE, _ask_room(), now)
    except exceptions.StoreUnavailable:
        if not patient or known is None or known.pool != settings.IMAGE_STORE:
            raise
    return known.free


def _ask_room() -> int:
    answer = json.loads(pool.run(["ceph", *pool.access(), "df", "detail", "--format", "json"], pool.SHORT_SECONDS))
    known: dict[str, Any] = next((row["stats"] for row in answer["pools"] if row["name"] == settings.IMAGE_STORE), {})
    quota = int(known.get("quota_bytes") or 0)
    left = max(quota - int(known.get("stored", 0)), 0) if quota else NEVER
    # Without a manager all numbers are 0; with one, 0 is a full cluster.
    return min(left, int(known.get("max_avail", 0))) if answer["stats"]["total_bytes"] else left
