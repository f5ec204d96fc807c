"""Writing tags of any resource. Callers have checked policy."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.networking import exceptions, locks
from apps.networking.selectors.tags import Tagged

MAX_TAGS = 50


def replace(*, row: Tagged, tags: list[str]) -> list[str]:
    """Give a resource these tags and no others."""
    return _write(row, lambda _: list(dict.fromkeys(tags)))


def add(*, row: Tagged, tag: str) -> None:
    """Put one tag on; it may be there already."""
    _write(row, lambda old: old if tag in old else [*old, tag])


def remove(*, row: Tagged, tag: str | None = None) -> None:
    """Take one tag off, or all. Raises TagNotFound (404)."""

    def change(old: list[str]) -> list[str]:
        if tag is not None and tag not in old:
            raise exceptions.TagNotFound(tag=tag[:255])
        return [kept for kept in old if tag is not None and kept != tag]

    _write(row, change)


def _write(seen: Tagged, change: Any) -> list[str]:
    with transaction.atomic():
        mine = locks.resource(seen)
        row = mine.first() or seen
        tags: list[str] = change(list(row.tags))
        if len(tags) > MAX_TAGS:
            raise exceptions.InvalidInput(reason=f"tags: more than {MAX_TAGS} tags")
        if tags != row.tags:
            mine.update(tags=tags, revision_number=F("revision_number") + 1, updated_at=timezone.now())
    return tags
