"""What RBAC policies can share: each type of object with its actions, and with the projects that use it.

A type gets a line in ``TYPES``.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.exceptions import NotFound
from apps.networking import exceptions
from apps.networking.models import (
    AddressGroup,
    AddressScope,
    FloatingIP,
    Network,
    Port,
    PortSecurityGroup,
    QosPolicy,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
)
from apps.networking.selectors import (
    address_groups,
    address_scopes,
    networks,
    qos_policies,
    security_groups,
    subnetpools,
)

SHARED, EXTERNAL = "access_as_shared", "access_as_external"
EVERYBODY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedType:
    """``visible`` returns the rows that a caller sees; ``users``, by action, the projects that depend on a row."""

    model: Any
    not_found: type[NotFound]
    visible: Callable[..., QuerySet[Any]]
    users: Mapping[str, Callable[[Any], set[str]]]


def _ports_on(network: Network) -> set[str]:
    return set(Port.objects.filter(network=network).values_list("project_id", flat=True))


def _leading_to(network: Network) -> set[str]:
    routers = Router.objects.filter(gateway_port__network=network).values_list("project_id", flat=True)
    return {*routers, *FloatingIP.objects.filter(floating_network=network).values_list("project_id", flat=True)}


def _guarded_by(group: SecurityGroup) -> set[str]:
    rows = PortSecurityGroup.objects.filter(security_group=group)
    return set(rows.values_list("port__project_id", flat=True))


def _subnets_of(pool: SubnetPool) -> set[str]:
    return set(Subnet.objects.filter(subnetpool=pool).values_list("project_id", flat=True))


def _pools_in(scope: AddressScope) -> set[str]:
    return set(SubnetPool.objects.filter(address_scope=scope).values_list("project_id", flat=True))


def _naming(group: AddressGroup) -> set[str]:
    return set(SecurityGroupRule.objects.filter(remote_address_group=group).values_list("project_id", flat=True))


def _limited_by(policy: QosPolicy) -> set[str]:
    projects: set[str] = set()
    for model in (Network, Port, FloatingIP, Router):
        projects |= set(model._default_manager.filter(qos_policy=policy).values_list("project_id", flat=True))
    return projects


TYPES: dict[str, SharedType] = {
    "network": SharedType(
        model=Network,
        not_found=exceptions.NetworkNotFound,
        visible=networks.visible,
        users={SHARED: _ports_on, EXTERNAL: _leading_to},
    ),
    "security_group": SharedType(
        model=SecurityGroup,
        not_found=exceptions.SecurityGroupNotFound,
        visible=security_groups.visible,
        users={SHARED: _guarded_by},
    ),
    "qos_policy": SharedType(
        model=QosPolicy,
        not_found=exceptions.QosPolicyNotFound,
        visible=qos_policies.visible,
        users={SHARED: _limited_by},
    ),
    "address_group": SharedType(
        model=AddressGroup,
        not_found=exceptions.AddressGroupNotFound,
        visible=address_groups.visible,
        users={SHARED: _naming},
    ),
    "subnetpool": SharedType(
        model=SubnetPool,
        not_found=exceptions.SubnetPoolNotFound,
        visible=subnetpools.visible,
        users={SHARED: _subnets_of},
    ),
    "address_scope": SharedType(
        model=AddressScope,
        not_found=exceptions.AddressScopeNotFound,
        visible=address_scopes.visible,
        users={SHARED: _pools_in},
    ),
}


def name_of(row: Any) -> str:
    """Return the word for a row's type."""
    return next(name for name, kind in TYPES.items() if isinstance(row, kind.model))


def subject(*, context: RequestContext, object_type: str, object_id: uuid.UUID) -> Any:
    """Return a row that policies can share, if the caller may see it. Raises its NotFound (404)."""
    kind = TYPES[object_type]
    row = kind.visible(context=context).filter(id=object_id).first()
    if row is None:
        raise kind.not_found(id=object_id)
    return row
