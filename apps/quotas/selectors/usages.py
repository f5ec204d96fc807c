"""What an owner has."""

from apps.quotas.models import Usage


def of_owner(*, owner_id: str) -> dict[str, tuple[int, int]]:
    """Return resource -> (in use, reserved) for every resource that was ever counted."""
    rows = Usage.objects.filter(owner_id=owner_id).values_list("resource", "in_use", "reserved")
    return {resource: (in_use, reserved) for resource, in_use, reserved in rows}


def everything() -> dict[tuple[str, str], tuple[int, int]]:
    """Return (owner, resource) -> (in use, reserved) of the whole cloud."""
    rows = Usage.objects.values_list("owner_id", "resource", "in_use", "reserved")
    return {(owner, resource): (in_use, reserved) for owner, resource, in_use, reserved in rows}
