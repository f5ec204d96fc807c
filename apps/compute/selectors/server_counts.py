"""Servers counted and named, for pages that show many of them."""

import uuid
from collections.abc import Iterable

from django.db.models import Count

from apps.compute import states
from apps.compute.models import Server


def by_status() -> dict[str, int]:
    """Return the API's status -> how many servers, the most frequent first. 1 query."""
    rows = Server.objects.filter(deleted_at=None).order_by().values_list("vm_state", "task_state")
    counts: dict[str, int] = {}
    for vm_state, task_state, count in rows.annotate(count=Count("id")):
        status = states.status(vm_state, task_state)
        counts[status] = counts.get(status, 0) + count
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def names(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return id -> name, deleted servers too. 1 query."""
    return dict(Server.objects.filter(id__in=list(server_ids)).values_list("id", "name"))


def ids_like(*, text: str, limit: int = 200) -> list[uuid.UUID]:
    """Return the ids of the newest servers, deleted ones too, whose names contain ``text``. 1 query."""
    rows = Server.objects.filter(name__icontains=text).order_by("-created_at", "-id")
    return list(rows.values_list("id", flat=True)[:limit])


def exists(*, server_id: uuid.UUID) -> bool:
    """Return whether a server exists and is not deleted. 1 query."""
    return Server.objects.filter(id=server_id, deleted_at=None).exists()


def of_host(*, host: str) -> list[tuple[str, int]]:
    """Return (vm_state, how many) of a host's servers. 1 query."""
    rows = Server.objects.filter(host=host, deleted_at=None).order_by().values_list("vm_state")
    return list(rows.annotate(count=Count("id")).order_by("vm_state"))
