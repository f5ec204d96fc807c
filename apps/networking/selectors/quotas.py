"""How many of each resource a project may have."""

from django.conf import settings

from apps.quotas.selectors import limits


def of_project(*, project_id: str) -> dict[str, int]:
    """Return resource -> limit (-1: unlimited). 1 query."""
    return limits.among(owner_id=project_id, defaults=settings.NETWORK_QUOTAS)


def defaults() -> dict[str, int]:
    """Return the limits of projects that have none of their own. 1 query."""
    return limits.among(owner_id=limits.DEFAULT_OWNER, defaults=settings.NETWORK_QUOTAS)


def own() -> dict[str, dict[str, int]]:
    """Return the limits of every project that has some of its own. 1 query for each, and 1."""
    return {owner: of_project(project_id=owner) for owner in limits.owners_among(resources=settings.NETWORK_QUOTAS)}


def has_own(*, project_id: str) -> bool:
    """Return whether a project has limits of its own. 1 query."""
    return project_id in limits.owners_among(resources=settings.NETWORK_QUOTAS)
