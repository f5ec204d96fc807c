"""The limits and usage of a project in the network service."""

from collections.abc import Callable
from typing import Any

from apps.networking.models import (
    AddressGroup,
    AddressScope,
    FloatingIP,
    Network,
    Port,
    RbacPolicy,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
    Trunk,
)
from apps.quotas.selectors import limits, usages

SERVICE = "network"


def _counter(model: Any) -> Callable[[str], int]:
    return lambda project_id: int(model.objects.filter(project_id=project_id).count())


COUNTS: dict[str, Callable[[str], int]] = {
    "network": _counter(Network),
    "subnet": _counter(Subnet),
    "subnetpool": _counter(SubnetPool),
    "address_scope": _counter(AddressScope),
    "port": _counter(Port),
    "address_group": _counter(AddressGroup),
    "rbac_policy": _counter(RbacPolicy),
    "router": _counter(Router),
    "floatingip": _counter(FloatingIP),
    "trunk": _counter(Trunk),
    "security_group": _counter(SecurityGroup),
    "security_group_rule": _counter(SecurityGroupRule),
}


def of_project(*, project_id: str) -> dict[str, int]:
    """Return resource -> limit (-1: unlimited). 1 query."""
    return limits.of_service(owner_id=project_id, service=SERVICE)


def defaults() -> dict[str, int]:
    """Return the limits of projects without their own. 1 query."""
    return limits.of_service(owner_id=limits.DEFAULT_OWNER, service=SERVICE)


def own() -> dict[str, dict[str, int]]:
    """Return the limits of every project that has its own. 1 query for each, and 1."""
    return {owner: of_project(project_id=owner) for owner in limits.owners_among(resources=COUNTS)}


def has_own(*, project_id: str) -> bool:
    """Return whether a project has its own limits. 1 query."""
    return project_id in limits.owners_among(resources=COUNTS)


def usage(*, project_id: str) -> dict[str, int]:
    """Return how many of each resource a project has. A query for each."""
    return usages.counted(owner_id=project_id, service=SERVICE)


def details(*, project_id: str) -> dict[str, dict[str, int]]:
    """Return resource -> limit, used and reserved, as Neutron names them. A query for each resource, and 2.

    Counted resources are never reserved; one that is reserved shows what its reservations hold.
    """
    used, held = usage(project_id=project_id), usages.of_owner(owner_id=project_id)
    return {
        name: {"limit": limit, "used": used.get(name, 0), "reserved": held.get(name, (0, 0))[1]}
        for name, limit in of_project(project_id=project_id).items()
    }
