"""A project's limits and usage in the words of Cinder's os-quota-sets."""

import uuid

from apps.common.exceptions import BadRequest
from apps.identity.selectors import projects
from apps.quotas import registry
from apps.quotas.selectors import limits, usages
from apps.volumes.models import VolumeType
from apps.volumes.selectors import groups, quota_amounts

RESOURCES = ("volumes", "snapshots", "gigabytes", "per_volume_gigabytes", "backups", "backup_gigabytes", "groups")
MAX_CLASS_NAME = 58


def type_names() -> dict[uuid.UUID, str]:
    """Return the names of all types by ID. 1 query."""
    return dict(VolumeType.objects.order_by("name").values_list("id", "name"))


def resources() -> dict[str, str]:
    """Return the name in documents -> the resource, also those of each type ("volumes_fast"). 1 query."""
    names = {name: name for name in RESOURCES}
    for type_id, type_name in type_names().items():
        for resource in quota_amounts.RESERVED_RESOURCES:
            names[f"{resource}_{type_name}"] = quota_amounts.of_type(resource, type_id)
    return names


def name_of(resource: str) -> str:
    """Return a resource's name in documents and refusals. 1 query for that of a type."""
    whole = registry.whole(resource)
    if whole == resource:
        return resource
    name = VolumeType.objects.filter(id=resource.removeprefix(f"{whole}{registry.PART}")).values_list("name", flat=True)
    return f"{whole}_{name.first() or ''}"


def check_project(project_id: str) -> None:
    """Raise BadRequest (400) when there is no such project."""
    if projects.find(project_id) is None:
        raise BadRequest(f"Project ID {project_id[:64]} is not a valid project.")


def owner_of_class(name: str) -> str:
    """Return whose limits a quota class is. Raises BadRequest (400) for a name that is too long."""
    if name == limits.DEFAULT_OWNER:
        return name
    if len(name) > MAX_CLASS_NAME:
        raise BadRequest(f"The name of a quota class has at most {MAX_CLASS_NAME} characters.")
    return f"class:{name}"


def of_owner(owner_id: str) -> dict[str, int]:
    """Return the limits of an owner by their names in documents. 2 queries."""
    names = resources()
    defaults = {resource: registry.get(resource).default() for resource in names.values()}
    allowed = limits.among(owner_id=owner_id, defaults=defaults)
    return {name: allowed[resource] for name, resource in names.items()}


def with_usage(owner_id: str) -> dict[str, dict[str, int]]:
    """Return limit, in_use, reserved and allocated by the names in documents. 4 queries."""
    names, used = resources(), usages.of_owner(owner_id=owner_id)
    used = {**used, groups.QUOTA: (groups.count(owner_id), 0)}
    defaults = {resource: registry.get(resource).default() for resource in names.values()}
    allowed = limits.among(owner_id=owner_id, defaults=defaults)
    return {
        name: {
            "limit": allowed[resource],
            "in_use": used.get(resource, (0, 0))[0],
            "reserved": used.get(resource, (0, 0))[1],
            "allocated": 0,
        }
        for name, resource in names.items()
    }


def usage(owner_id: str) -> dict[str, int]:
    """Return what an owner uses of each resource, with reservations. 1 query."""
    return {name: in_use + reserved for name, (in_use, reserved) in usages.of_owner(owner_id=owner_id).items()}
