"""Ranges that new subnets take out of subnet pools."""

import uuid
from typing import Any

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, ranges
from apps.networking.models import Network, Subnet, SubnetPool
from apps.networking.selectors import subnetpools as selectors
from apps.networking.services import shared_use

# A quota of a pool counts addresses of IPv4, and ranges of this length of IPv6.
QUOTA_UNITS = {4: 32, 6: 64}
PREFIX_DELEGATION = "prefix_delegation"


def pool_of(context: RequestContext, values: dict[str, Any]) -> SubnetPool | None:
    """Return the pool that a new subnet asks for, by id or as the default one; None for a range of the caller's.

    Raises SubnetRefused (400) and SubnetPoolNotFound (404).
    """
    wanted, has_cidr = values.get("subnetpool_id"), values.get("cidr") is not None
    if has_cidr and values.get("prefixlen") is not None:
        raise exceptions.SubnetRefused(reason="cidr and prefixlen must not be supplied together")
    if wanted and values.get("use_default_subnetpool"):
        raise exceptions.SubnetRefused(reason="subnetpool_id and use_default_subnetpool cannot both be specified")
    if wanted == PREFIX_DELEGATION:
        raise exceptions.SubnetRefused(reason="prefix delegation is not offered by this cloud")
    pool = _named(context, wanted, values)
    if pool is None:
        if not has_cidr:
            raise exceptions.SubnetRefused(reason="a subnetpool must be specified in the absence of a cidr")
        return None
    if values.get("ip_version", pool.ip_version) != pool.ip_version:
        reason = f"Cannot allocate IPv{values['ip_version']} subnet from IPv{pool.ip_version} subnet pool"
        raise exceptions.SubnetRefused(reason=reason)
    if not has_cidr and values.get("allocation_pools"):
        raise exceptions.SubnetRefused(reason="allocation_pools allowed only for specific subnet requests.")
    return pool


def _named(context: RequestContext, wanted: uuid.UUID | None, values: dict[str, Any]) -> SubnetPool | None:
    if wanted:
        return selectors.get(context=context, subnetpool_id=wanted)
    if not values.get("use_default_subnetpool"):
        return None
    version = values.get("ip_version")
    if version is None and values.get("cidr") is not None:
        version = ranges.network(values["cidr"], field="cidr").version
    if version is None:
        reason = "ip_version must be specified in the absence of cidr and subnetpool_id"
        raise exceptions.SubnetRefused(reason=reason)
    pool = selectors.default(context=context, version=version)
    if pool is None:
        raise exceptions.SubnetRefused(reason=f"No default subnetpool found for IPv{version}")
    return pool


def allocate(context: RequestContext, pool: SubnetPool, values: dict[str, Any], *, project_id: str) -> str:
    """Lock a pool and choose a range of it for a subnet: the one that ``values`` names, or the lowest free one.

    Raises SubnetPoolNotFound (404), PrefixTooShort, PrefixTooLong (400), SubnetAllocationFailed and
    SubnetPoolQuotaExceeded (409).
    """
    locked = locks.subnetpool(pool.id)
    if locked is None or not shared_use.may_use(context, locked):
        raise exceptions.SubnetPoolNotFound(id=pool.id)
    cidr = ranges.network(values["cidr"], field="cidr") if values.get("cidr") is not None else None
    length = cidr.prefixlen if cidr else values.get("prefixlen")
    length = locked.default_prefixlen if length is None else length
    if length > locked.max_prefixlen:
        raise exceptions.PrefixTooLong(length=length, limit=locked.max_prefixlen)
    if length < locked.min_prefixlen:
        raise exceptions.PrefixTooShort(length=length, limit=locked.min_prefixlen)
    _check_quota(locked, length, project_id)
    return str(_chosen(locked, cidr, length))


def _chosen(pool: SubnetPool, cidr: ranges.Range | None, length: int) -> ranges.Range:
    taken = allocated(pool)
    prefixes = [ranges.network(text, field="prefixes") for text in pool.prefixes]
    if cidr is None:
        free = ranges.first_free(prefixes, taken, length)
        if free is None:
            reason = f"Insufficient prefix space to allocate subnet size /{length}"
            raise exceptions.SubnetAllocationFailed(reason=reason)
        return free
    if not ranges.covers(prefixes, [cidr]) or any(ranges.overlap(cidr, other) for other in taken):
        reason = "Cannot allocate requested subnet from the available set of prefixes"
        raise exceptions.SubnetAllocationFailed(reason=reason)
    return cidr


def allocated(pool: SubnetPool) -> list[ranges.Range]:
    """Return the ranges that subnets have of a pool. 1 query."""
    texts = Subnet.objects.filter(subnetpool=pool).values_list("cidr", flat=True)
    return [ranges.network(text, field="cidr") for text in texts]


def _check_quota(pool: SubnetPool, length: int, project_id: str) -> None:
    if not pool.default_quota:
        return
    unit = QUOTA_UNITS[pool.ip_version]
    texts = Subnet.objects.filter(subnetpool=pool, project_id=project_id).values_list("cidr", flat=True)
    lengths = [*(int(text.rpartition("/")[2]) for text in texts), length]
    if sum(2.0 ** (unit - held) for held in lengths) > pool.default_quota:
        raise exceptions.SubnetPoolQuotaExceeded


def check_network(network: Network, pool: SubnetPool | None, version: int) -> None:
    """Refuse subnets of different pools on a locked network, except pools of one address scope.

    Raises PoolsOfNetworkDiffer and ScopesOfNetworkDiffer (400).
    """
    held = Subnet.objects.filter(network=network, ip_version=version)
    pairs = set(held.values_list("subnetpool_id", "subnetpool__address_scope_id"))
    scopes = {scope for _, scope in pairs if scope is not None}
    own_scope = pool.address_scope_id if pool else None
    if scopes and pool and own_scope not in scopes:
        raise exceptions.ScopesOfNetworkDiffer
    own = pool.id if pool else None
    if any(other != own and not (scope is not None and scope == own_scope) for other, scope in pairs):
        raise exceptions.PoolsOfNetworkDiffer
