"""Resources of a project in other applications. These register at start, so that identity does not depend on them."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.common.context import RequestContext
from apps.identity.exceptions import InUse


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectResource:
    """``count`` says how many a project has, ``purge`` deletes them. ``rank``: resources that others need are purged
    later.

    ``repeats``: those that are gone free more of them, so it is called again until none is left.

    Resources that are not ``counted`` are created and deleted automatically (a default security group).
    """

    noun: str
    count: Callable[[str], int]
    purge: Callable[[RequestContext], None] | None = None
    rank: int = 0
    counted: bool = True
    repeats: bool = False


_registered: dict[str, ProjectResource] = {}


def register(resource: ProjectResource) -> None:
    _registered[resource.noun] = resource


def registered() -> list[ProjectResource]:
    """Return all resources in the order of a purge."""
    return sorted(_registered.values(), key=lambda resource: (resource.rank, resource.noun))


def counts(project_id: str) -> dict[str, int]:
    """Return how many of each a project has; nouns of which it has none are left out."""
    numbers = {resource.noun: resource.count(project_id) for resource in registered() if resource.counted}
    return {noun: number for noun, number in numbers.items() if number}


def _singular(noun: str) -> str:
    return f"{noun.removesuffix('ies')}y" if noun.endswith("ies") else noun.removesuffix("s")


def refuse_owning(project_id: str) -> None:
    """Raise InUse (409) naming what the project still owns, and how many."""
    owned = ", ".join(
        f"{number} {noun if number > 1 else _singular(noun)}" for noun, number in counts(project_id).items()
    )
    if owned:
        raise InUse(noun="project", id=project_id, resources=owned)


def caller_for(project_id: str) -> RequestContext:
    """Return an administrator who acts within a project."""
    return RequestContext(
        user_id="system", user_name="system", project_id=project_id, roles=("admin", "member", "reader"), is_admin=True
    )


def drop_leftovers(project_id: str) -> None:
    """Delete resources that are not counted, within the transaction that deletes the project."""
    for resource in registered():
        if not resource.counted and resource.purge is not None:
            resource.purge(caller_for(project_id))
