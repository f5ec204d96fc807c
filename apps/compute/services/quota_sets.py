"""Changing limits in the words of os-quota-sets."""

from apps.compute.selectors import quota_sets as selectors
from apps.quotas.services import limits


def update(*, project_id: str, values: dict[str, int], force: bool) -> None:
    """Raises BadRequest (400) for an unknown project and, unless ``force``, for a limit below what is in use."""
    selectors.check_project(project_id)
    limits.set_many(owner_id=project_id, values=values, force=force)


def reset(*, project_id: str) -> None:
    """Drop compute's limits of a project: the defaults apply again."""
    selectors.check_project(project_id)
    limits.reset(owner_id=project_id, resources=(*selectors.RESOURCES, *selectors.NETWORK_RESOURCES))


def set_class(*, name: str, values: dict[str, int]) -> None:
    """Change a quota class; the one called ``default`` holds for every project. Raises BadRequest (400)."""
    limits.set_many(owner_id=selectors.owner_of_class(name), values=values, force=True)
