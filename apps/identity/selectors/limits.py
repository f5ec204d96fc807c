"""Reading limits."""

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Limit, RegisteredLimit
from apps.identity.selectors import filters


def registered(params: Mapping[str, str]) -> QuerySet[RegisteredLimit]:
    return filters.apply(RegisteredLimit.objects.all(), params, texts=("service_id", "region_id", "resource_name"))


def get_registered(limit_id: str) -> RegisteredLimit:
    """Raises NotFound."""
    limit = RegisteredLimit.objects.filter(pk=limit_id).first()
    if limit is None:
        raise NotFound(noun="registered limit", id=limit_id[:64])
    return limit


def find(limit_id: str) -> Limit | None:
    return Limit.objects.select_related("registered_limit", "project").filter(pk=limit_id).first()


def get(limit_id: str) -> Limit:
    """Raises NotFound."""
    limit = find(limit_id)
    if limit is None:
        raise NotFound(noun="limit", id=limit_id[:64])
    return limit


def listed(params: Mapping[str, str], *, owners: tuple[str | None, str | None] | None) -> QuerySet[Limit]:
    """Return limits; only those of the project and the domain in ``owners`` if given."""
    rows = filters.apply(Limit.objects.select_related("registered_limit"), params, texts=("project_id", "domain_id"))
    for name in ("service_id", "region_id", "resource_name"):
        if name in params:
            rows = rows.filter(**{f"registered_limit__{name}": params[name]})
    if owners is None:
        return rows
    project_id, domain_id = owners
    mine = Q(pk__in=[])
    if project_id:
        mine |= Q(project_id=project_id)
    if domain_id:
        mine |= Q(domain_id=domain_id) | Q(project__domain_id=domain_id)
    return rows.filter(mine)
