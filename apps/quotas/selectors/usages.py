"""Owners' usage."""

from apps.quotas import registry
from apps.quotas.models import Usage


def of_owner(*, owner_id: str) -> dict[str, tuple[int, int]]:
    """Return resource -> (in use, reserved) for every reserved resource that was ever counted. 1 query."""
    rows = Usage.objects.filter(owner_id=owner_id).values_list("resource", "in_use", "reserved")
    return {resource: (in_use, reserved) for resource, in_use, reserved in rows}


def count(*, owner_id: str, resource: str) -> int:
    """Return how much an owner has of a counted resource, in the unit that is counted. A query or two."""
    counter = registry.get(resource).count
    if counter is None:
        raise ValueError(f"{resource} is not a counted resource")
    return counter(owner_id)


def counted_in_units(*, owner_id: str, resource: registry.Resource) -> int:
    """Return how much an owner has of a counted resource, in the unit of its limits, rounded up."""
    return -(-count(owner_id=owner_id, resource=resource.name) // resource.unit)


def counted(*, owner_id: str, service: str) -> dict[str, int]:
    """Return how much an owner has of each counted resource of a service. A query or two for each."""
    return {
        resource.name: resource.count(owner_id)
        for resource in registry.of_service(service)
        if resource.count is not None
    }


def everything() -> dict[tuple[str, str], tuple[int, int]]:
    """Return (owner, resource) -> (in use, reserved) of the whole cloud."""
    rows = Usage.objects.values_list("owner_id", "resource", "in_use", "reserved")
    return {(owner, resource): (in_use, reserved) for owner, resource, in_use, reserved in rows}
