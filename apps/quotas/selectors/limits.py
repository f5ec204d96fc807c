"""Owners' limits."""

from collections.abc import Collection, Mapping

from django.db.models import QuerySet

from apps.quotas import registry
from apps.quotas.models import Limit

DEFAULT_OWNER = "default"


def of_owner(*, owner_id: str) -> dict[str, int]:
    """Return resource -> limit (-1: unlimited) of every service. 1 query."""
    return _merged(owner_id, Limit.objects.filter(owner_id__in=(owner_id, DEFAULT_OWNER)), known())


def of_service(*, owner_id: str, service: str) -> dict[str, int]:
    """Return resource -> limit of one service; for the owner "default", the general limits. 1 query."""
    defaults = {resource.name: resource.default() for resource in registry.of_service(service)}
    return among(owner_id=owner_id, defaults=defaults)


def of(*, owner_id: str, resource: str) -> int:
    """Return an owner's limit of one resource; -1 means unlimited. 1 query."""
    return among(owner_id=owner_id, defaults={resource: registry.get(resource).default()})[resource]


def known() -> dict[str, int]:
    """Return every resource that has a limit, of all services, with the default of the settings."""
    return {resource.name: resource.default() for resource in registry.everything()}


def among(*, owner_id: str, defaults: Mapping[str, int]) -> dict[str, int]:
    """Return an owner's limits of these resources: its own, else those of "default", else ``defaults``. 1 query."""
    rows = Limit.objects.filter(owner_id__in=(owner_id, DEFAULT_OWNER), resource__in=list(defaults))
    return _merged(owner_id, rows, defaults)


def _merged(owner_id: str, rows: QuerySet[Limit], defaults: Mapping[str, int]) -> dict[str, int]:
    values = {(owner, resource): value for owner, resource, value in rows.values_list("owner_id", "resource", "value")}
    return {
        name: values.get((owner_id, name), values.get((DEFAULT_OWNER, name), value)) for name, value in defaults.items()
    }


def owners_among(*, resources: Collection[str]) -> list[str]:
    """Return the owners that have their own limit of one of the resources. 1 query."""
    rows = Limit.objects.filter(resource__in=list(resources)).exclude(owner_id=DEFAULT_OWNER)
    return list(rows.order_by("owner_id").values_list("owner_id", flat=True).distinct())
