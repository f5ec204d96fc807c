"""Writing address scopes, and the checks of pools and routers that they need. Callers have checked policy.

Routers here route between all of their networks and translate towards every external network; they do not know scopes.
So a router with subnets of different scopes is refused.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError, QuerySet
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, ranges
from apps.networking.models import AddressScope, FixedIP, Subnet, SubnetPool
from apps.networking.selectors import address_scopes as selectors
from apps.networking.services import ownership, quotas, rbac_policies
from apps.networking.services.shared_objects import SHARED


def create(*, context: RequestContext, values: dict[str, Any]) -> AddressScope:
    """Make an address scope. Raises OverQuota (409)."""
    project_id = ownership.of(context=context, values=values)
    with transaction.atomic():
        quotas.check(resource="address_scope", project_id=project_id)
        scope = AddressScope.objects.create(
            project_id=project_id,
            name=values.get("name", ""),
            ip_version=values["ip_version"],
            shared=values.get("shared", False),
        )
        if scope.shared:
            rbac_policies.open_to_all(scope, SHARED)
    return scope


def update(*, context: RequestContext, address_scope: AddressScope, values: dict[str, Any]) -> AddressScope:
    """Change an address scope. Raises AddressScopeStaysShared (400) for one that is to be shared no longer."""
    if address_scope.shared and values.get("shared") is False:
        raise exceptions.AddressScopeStaysShared(id=address_scope.id)
    with transaction.atomic():
        AddressScope.objects.filter(id=address_scope.id).update(
            **values, revision_number=F("revision_number") + 1, updated_at=timezone.now()
        )
        if values.get("shared"):
            rbac_policies.open_to_all(address_scope, SHARED)
    return selectors.get(context=context, address_scope_id=address_scope.id)


def delete(*, address_scope: AddressScope) -> None:
    """Delete an address scope that no subnet pool is in. Raises AddressScopeInUse (409)."""
    try:
        with transaction.atomic(), rbac_policies.forgotten(address_scope):
            address_scope.delete()
    except (ProtectedError, IntegrityError):
        raise exceptions.AddressScopeInUse(id=address_scope.id) from None


def check_pool(context: RequestContext, pool: SubnetPool, scope_id: uuid.UUID | None) -> None:
    """Refuse a pool with these prefixes in a scope. Call it in the transaction that writes the pool, under
    ``locks.address_scopes``.

    Raises AddressScopeNotFound (404), ScopeOfOtherVersion, ScopesOfNetworkDiffer, RouterRefused (400), and
    PrefixTakenInScope (409).
    """
    if scope_id is not None:
        scope = selectors.get(context=context, address_scope_id=scope_id)
        if scope.ip_version != pool.ip_version:
            raise exceptions.ScopeOfOtherVersion(subnetpool_id=pool.id, id=scope.id, version=scope.ip_version)
        prefixes = [ranges.network(text, field="prefixes") for text in pool.prefixes]
        for others in SubnetPool.objects.filter(address_scope=scope).exclude(id=pool.id).values_list("prefixes"):
            _refuse_overlap(prefixes, *others)
    if scope_id != pool.address_scope_id:
        _check_rescoped(pool, scope_id)


def _refuse_overlap(prefixes: Iterable[ranges.Range], others: list[str]) -> None:
    held = [ranges.network(text, field="prefixes") for text in others]
    if any(ranges.overlap(prefix, other) for prefix in prefixes for other in held):
        raise exceptions.PrefixTakenInScope


def _check_rescoped(pool: SubnetPool, scope_id: uuid.UUID | None) -> None:
    """Refuse another scope for the subnets of a pool while their networks or routers have subnets that stay."""
    moved = Subnet.objects.filter(subnetpool=pool)
    beside = Subnet.objects.filter(network_id__in=moved.values("network_id"), ip_version=pool.ip_version)
    if beside.exclude(id__in=moved.values("id")).exists():
        raise exceptions.ScopesOfNetworkDiffer
    feet = FixedIP.objects.filter(subnet__in=moved, port__router_interface__isnull=False)
    for router_id in set(feet.values_list("port__router_interface__router_id", flat=True)):
        staying = _subnets_of(router_id).filter(ip_version=pool.ip_version).exclude(subnetpool=pool)
        if set(staying.values_list("subnetpool__address_scope_id", flat=True)) - {scope_id}:
            raise _mixed(router_id)


def _subnets_of(router_id: uuid.UUID) -> QuerySet[Subnet]:
    return Subnet.objects.filter(fixed_ips__port__router_interface__router_id=router_id).distinct()


def hold(subnets: Iterable[Subnet]) -> None:
    """Keep the scopes of subnets until the transaction ends; before the router that they come to is locked."""
    pools = {subnet.subnetpool_id for subnet in subnets if subnet.subnetpool_id is not None}
    if pools:
        locks.subnetpools(pools)


def check_router(router_id: uuid.UUID, *, adding: Iterable[Subnet] = ()) -> None:
    """Refuse a router with subnets of different scopes, or with one in a scope and one in none.

    Raises RouterRefused (400).
    """
    subnets = [*_subnets_of(router_id), *adding]
    scopes = selectors.of_subnets(subnets=subnets)
    if len({(subnet.ip_version, scopes[subnet.id]) for subnet in subnets}) > len({row.ip_version for row in subnets}):
        raise _mixed(router_id)


def _mixed(router_id: uuid.UUID) -> exceptions.RouterRefused:
    return exceptions.RouterRefused(
        reason=f"router {router_id} would route between subnets of different address scopes, which this cloud's "
        "routers do not keep apart. Use a router for each scope"
    )
