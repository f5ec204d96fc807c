"""What an owner may have."""

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
