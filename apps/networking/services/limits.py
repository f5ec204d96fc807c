"""How many of each resource a project may make through the API."""

from typing import Any

from django.db.models import QuerySet

from apps.networking import exceptions, locks
from apps.networking.models import Port
from apps.networking.selectors import quotas


def limit(resource: str, project_id: str) -> int:
    """Return a project's limit of a resource; -1 is none. 1 query."""
    return quotas.of_project(project_id=project_id)[resource]


def check(*, resource: str, project_id: str, rows: QuerySet[Any], adding: int = 1) -> None:
    """Refuse what goes over the limit. Call it inside the transaction that writes: it holds a lock until its end.

    Raises OverQuota (409).
    """
    allowed = limit(resource, project_id)
    if allowed < 0:
        return
    locks.quota(resource, project_id)
    if rows.count() + adding > allowed:
        raise exceptions.OverQuota(resource=resource)


def check_ports(*, project_id: str, adding: int) -> None:
    """Refuse servers whose ports would go over the project's limit of ports. A plain look: servers with one port
    each are bounded by the servers' own quota, which is exact. Raises OverQuota (409).
    """
    allowed = limit("port", project_id)
    if 0 <= allowed < Port.objects.filter(project_id=project_id).count() + adding:
        raise exceptions.OverQuota(resource="port")
