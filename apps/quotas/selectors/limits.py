"""What an owner may have."""

from collections.abc import Collection, Mapping

from django.conf import settings

from apps.quotas.models import Limit

DEFAULT_OWNER = "default"


def defaults() -> dict[str, int]:
    """Return the limits of owners that have none of their own."""
    rows = Limit.objects.filter(owner_id=DEFAULT_OWNER).values_list("resource", "value")
    return {**settings.QUOTA_DEFAULTS, **dict(rows)}


def of_owner(*, owner_id: str) -> dict[str, int]:
    """Return resource -> limit (-1: unlimited)."""
    rows = list(
        Limit.objects.filter(owner_id__in=(owner_id, DEFAULT_OWNER)).values_list("owner_id", "resource", "value")
    )
    general = {resource: value for owner, resource, value in rows if owner == DEFAULT_OWNER}
    own = {resource: value for owner, resource, value in rows if owner == owner_id}
    return {**settings.QUOTA_DEFAULTS, **general, **own}


def of(*, owner_id: str, resource: str) -> int:
    return of_owner(owner_id=owner_id)[resource]


def known() -> dict[str, int]:
    """Return every resource that has a limit, of all services, with the default of the settings."""
    return {**settings.QUOTA_DEFAULTS, **settings.NETWORK_QUOTAS, **settings.IMAGE_QUOTAS}


def among(*, owner_id: str, defaults: Mapping[str, int]) -> dict[str, int]:
    """Return the limits of an owner for the resources of one service, whose settings say ``defaults``. 1 query."""
    rows = Limit.objects.filter(owner_id__in=(owner_id, DEFAULT_OWNER), resource__in=list(defaults))
    found = {(owner, resource): value for owner, resource, value in rows.values_list("owner_id", "resource", "value")}
    return {
        name: found.get((owner_id, name), found.get((DEFAULT_OWNER, name), value)) for name, value in defaults.items()
    }


def owners_among(*, resources: Collection[str]) -> list[str]:
    """Return who has limits of its own for one of the resources. 1 query."""
    rows = Limit.objects.filter(resource__in=list(resources)).exclude(owner_id=DEFAULT_OWNER)
    return list(rows.order_by("owner_id").values_list("owner_id", flat=True).distinct())
