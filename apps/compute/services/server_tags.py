"""Changing a server's tags under the row's lock. A locked server may be tagged, as in Nova."""

import uuid
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from apps.common.exceptions import BadRequest
from apps.compute import locks, states
from apps.compute.exceptions import ServerNotFound, TagNotFound, WrongState
from apps.compute.models import Server

MAX_TAGS = 50
ALLOWED_STATES = (states.ACTIVE, states.PAUSED, states.SUSPENDED, states.STOPPED)


def replace(*, server_id: uuid.UUID, tags: list[str]) -> list[str]:
    """Put ``tags`` in the place of all there are. Raises BadRequest (400) and WrongState (409)."""
    return _change(server_id, lambda old: tags)[1]


def add(*, server_id: uuid.UUID, tag: str) -> bool:
    """Add a tag. Returns whether it is new. Raises as ``replace`` does."""
    before, after = _change(server_id, lambda old: [*old, tag])
    return len(after) > len(before)


def remove(*, server_id: uuid.UUID, tag: str) -> None:
    """Raises TagNotFound (404) and WrongState (409)."""

    def without(old: list[str]) -> list[str]:
        if tag not in old:
            raise TagNotFound(server=server_id, tag=tag[:60])
        return [kept for kept in old if kept != tag]

    _change(server_id, without)


@transaction.atomic
def _change(server_id: uuid.UUID, edit: Callable[[list[str]], list[str]]) -> tuple[list[str], list[str]]:
    server = locks.server(server_id)
    if server is None:
        raise ServerNotFound(server=server_id)
    if server.vm_state not in ALLOWED_STATES:
        raise WrongState(action="update tags", server=server.id, attribute="vm_state", state=server.vm_state)
    tags = sorted(set(edit(server.tags)))
    if len(tags) > MAX_TAGS:
        raise BadRequest(f"The number of tags exceeded the per-server limit {MAX_TAGS}")
    if tags != server.tags:
        Server.objects.filter(id=server.id).update(tags=tags, updated_at=timezone.now())
    return server.tags, tags
