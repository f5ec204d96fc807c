"""Writing flavors, their extra specs and who may use them."""

from typing import Any

from django.db import IntegrityError, transaction

from apps.common.exceptions import BadRequest, Conflict
from apps.compute import locks
from apps.compute.exceptions import ExtraSpecNotFound, FlavorAccessExists, FlavorAccessNotFound, FlavorExists
from apps.compute.models import Flavor, FlavorAccess
from apps.compute.models.flavors import new_flavor_id
from apps.identity.selectors import projects

AUTO = "auto"
MAX_EXTRA_SPECS = 256  # of one flavor


def create(*, values: dict[str, Any]) -> Flavor:
    """Make a flavor. ``flavor_id`` absent, None or "auto" is a new UUID. Raises FlavorExists (409)."""
    flavor_id = values.get("flavor_id")
    flavor = Flavor(**{**values, "flavor_id": new_flavor_id() if flavor_id in (None, AUTO) else flavor_id})
    try:
        with transaction.atomic():
            flavor.save(force_insert=True)
    except IntegrityError:
        if Flavor.objects.filter(name=flavor.name).exists():
            raise FlavorExists(attribute="name", value=flavor.name) from None
        raise FlavorExists(attribute="ID", value=flavor.flavor_id) from None
    return flavor


def update(*, flavor: Flavor, description: str | None) -> Flavor:
    """Change the description: the only thing about a flavor that may change."""
    Flavor.objects.filter(id=flavor.id).update(description=description)
    flavor.description = description
    return flavor


def delete(*, flavor: Flavor) -> None:
    """Remove a flavor; servers keep their copy of it."""
    flavor.delete()


@transaction.atomic
def add_extra_specs(*, flavor: Flavor, extra_specs: dict[str, str]) -> dict[str, str]:
    """Add to or replace extra specs. Returns the arguments. Raises BadRequest beyond ``MAX_EXTRA_SPECS``."""
    row = locks.flavor(flavor)
    merged = {**row.extra_specs, **extra_specs}
    if len(merged) > MAX_EXTRA_SPECS:
        raise BadRequest(f"A flavor can have at most {MAX_EXTRA_SPECS} extra specs.")
    Flavor.objects.filter(id=row.id).update(extra_specs=merged)
    return extra_specs


@transaction.atomic
def delete_extra_spec(*, flavor: Flavor, key: str) -> None:
    """Raises ExtraSpecNotFound (404)."""
    row = locks.flavor(flavor)
    if key not in row.extra_specs:
        raise ExtraSpecNotFound(flavor=flavor.flavor_id, key=key[:255])
    Flavor.objects.filter(id=row.id).update(extra_specs={k: v for k, v in row.extra_specs.items() if k != key})


def add_access(*, flavor: Flavor, project_id: str, public: bool = False) -> None:
    """Let a project use a private flavor. With ``public`` public ones are taken too, as in Nova below 2.7.

    Raises BadRequest for an unknown project, Conflict (409) if it changes nothing.
    """
    _check_project(project_id)
    if flavor.is_public and not public:
        raise Conflict("Can not add access to a public flavor.")
    _, created = FlavorAccess.objects.get_or_create(flavor=flavor, project_id=project_id)
    if not created:
        raise FlavorAccessExists(flavor=flavor.flavor_id, project=project_id)


def remove_access(*, flavor: Flavor, project_id: str) -> None:
    """Raises BadRequest (400) for an unknown project, FlavorAccessNotFound (404) if it had no access."""
    _check_project(project_id)
    gone, _ = FlavorAccess.objects.filter(flavor=flavor, project_id=project_id).delete()
    if not gone:
        raise FlavorAccessNotFound(flavor=flavor.flavor_id, project=project_id)


def _check_project(project_id: str) -> None:
    if projects.find(project_id) is None:
        raise BadRequest(f"Project ID {project_id[:64]} is not a valid project.")
