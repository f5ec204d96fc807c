"""Changing a server's metadata: read, changed and written under the row's lock, so that no key is lost."""

import uuid
from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from apps.common.context import RequestContext
from apps.compute import locks, states
from apps.compute.exceptions import MetadataNotFound, ServerNotFound, WrongState
from apps.compute.models import Server
from apps.compute.services import servers
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.selectors import limits

RESOURCE = "metadata_items"
ALLOWED_STATES = (states.ACTIVE, states.PAUSED, states.SUSPENDED, states.STOPPED)
Metadata = dict[str, str]


def add(*, context: RequestContext, server_id: uuid.UUID, items: Metadata) -> Metadata:
    """Add or replace items. Raises QuotaExceeded (403), WrongState and ServerLocked (409)."""
    return _change(context, server_id, lambda old: {**old, **items})


def replace(*, context: RequestContext, server_id: uuid.UUID, items: Metadata) -> Metadata:
    """Put ``items`` in the place of all there is. Raises as ``add`` does."""
    return _change(context, server_id, lambda old: dict(items))


def remove(*, context: RequestContext, server_id: uuid.UUID, key: str) -> None:
    """Raises MetadataNotFound (404), WrongState and ServerLocked (409)."""

    def without(old: Metadata) -> Metadata:
        if key not in old:
            raise MetadataNotFound
        return {name: value for name, value in old.items() if name != key}

    _change(context, server_id, without)


@transaction.atomic
def _change(context: RequestContext, server_id: uuid.UUID, edit: Callable[[Metadata], Metadata]) -> Metadata:
    server = locks.server(server_id)
    if server is None:
        raise ServerNotFound(server=server_id)
    servers.check_unlocked(context=context, server=server)
    metadata = edit(server.metadata)
    if server.vm_state not in ALLOWED_STATES:
        raise WrongState(action="update metadata", server=server.id, attribute="vm_state", state=server.vm_state)
    _check_count(server.project_id, before=len(server.metadata), after=len(metadata))
    Server.objects.filter(id=server.id).update(metadata=metadata, updated_at=timezone.now())
    return metadata


def _check_count(project_id: str, *, before: int, after: int) -> None:
    allowed = limits.of(owner_id=project_id, resource=RESOURCE)
    if 0 <= allowed < after and after > before:
        raise QuotaExceeded(resource=RESOURCE, requested=after, used=before, allowed=allowed)
