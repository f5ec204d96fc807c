"""Writing tags of any resource."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.common import policy
from apps.common.context import RequestContext
from apps.networking import exceptions, locks
from apps.networking.selectors import tags as selectors

MAX_TAGS = 50


def replace(*, context: RequestContext, collection: str, resource_id: uuid.UUID, tags: list[str]) -> list[str]:
    """Give a resource these tags and no others. Raises what its own look-up raises (404), PolicyForbidden (403)."""
    return _write(context, "create_tags", collection, resource_id, lambda _: list(dict.fromkeys(tags)))


def add(*, context: RequestContext, collection: str, resource_id: uuid.UUID, tag: str) -> None:
    """Put one tag on; it may be there already."""
    _write(context, "create_tags", collection, resource_id, lambda old: old if tag in old else [*old, tag])


def remove(*, context: RequestContext, collection: str, resource_id: uuid.UUID, tag: str | None = None) -> None:
    """Take one tag off, or all. Raises TagNotFound (404)."""

    def change(old: list[str]) -> list[str]:
        if tag is not None and tag not in old:
            raise exceptions.TagNotFound(tag=tag[:255])
        return [one for one in old if tag is not None and one != tag]

    _write(context, "delete_tags", collection, resource_id, change)


def _write(context: RequestContext, rule: str, collection: str, resource_id: uuid.UUID, change: Any) -> list[str]:
    seen = selectors.resource(context=context, collection=collection, resource_id=resource_id)
    policy.check(context, rule, {"project_id": seen.project_id})
    with transaction.atomic():
        mine = locks.resource(seen)
        row = mine.first() or seen
        tags: list[str] = change(list(row.tags))
        if len(tags) > MAX_TAGS:
            raise exceptions.InvalidInput(reason=f"tags: more than {MAX_TAGS} tags")
        if tags != row.tags:
            mine.update(tags=tags, revision_number=F("revision_number") + 1, updated_at=timezone.now())
    return tags
