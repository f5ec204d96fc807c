"""Writing subnet pools. Callers have checked policy (``api/permissions.py``)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, ranges
from apps.networking.models import AddressScope, FixedIP, Network, Subnet, SubnetPool
from apps.networking.selectors import address_scopes as scope_selectors
from apps.networking.selectors import subnetpools as selectors
from apps.networking.services import address_scopes, ownership, quotas, rbac_policies, shared_use, subnet_ranges
from apps.networking.services.shared_objects import SHARED

MAX_PREFIXES = 100
_SHORTEST = {4: 8, 6: 64}  # of a pool that says nothing, as in Neutron
_PLAIN = ("name", "description", "default_quota", "is_default")
_BOUNDS = ("min_prefixlen", "max_prefixlen", "default_prefixlen")
_DEFAULT_EXISTS = (
    "A default subnetpool for this IP family has already been set. Only one default may exist per IP family"
)


def create(*, context: RequestContext, values: dict[str, Any]) -> SubnetPool:
    """Make a subnet pool.

    Raises NoPrefixes, PrefixVersionsDiffer, IllegalPrefixBounds, InvalidInput (400; also for a second default pool),
    the errors of an address scope, and OverQuota (409).
    """
    project_id = ownership.of(context=context, values=values)
    prefixes = _parsed(values["prefixes"])
    pool = SubnetPool(
        project_id=project_id,
        ip_version=prefixes[0].version,
        prefixes=[str(prefix) for prefix in prefixes],
        shared=values.get("shared", False),
        **{name: values[name] for name in _PLAIN if name in values},
    )
    _set_bounds(pool, values)
    with _one_default(), transaction.atomic():
        locks.address_scopes()
        quotas.check(resource="subnetpool", project_id=project_id)
        _hold_scope(context, values)
        _join(context, pool, values)
        pool.save(force_insert=True)
        if pool.shared:
            rbac_policies.open_to_all(pool, SHARED)
    return pool


@contextmanager
def _one_default() -> Iterator[None]:
    """Turn a second default pool of an IP version into InvalidInput (400)."""
    try:
        yield
    except IntegrityError as error:
        if "subnetpool_one_default_per_version" in str(error):
            raise exceptions.InvalidInput(reason=_DEFAULT_EXISTS) from None
        raise


def _parsed(texts: Sequence[str]) -> list[ranges.Range]:
    """Return prefixes without overlaps, in order. Raises NoPrefixes, PrefixVersionsDiffer, InvalidInput (400)."""
    if not texts:
        raise exceptions.NoPrefixes
    prefixes = [ranges.network(text, field="prefixes") for text in texts]
    if len({prefix.version for prefix in prefixes}) > 1:
        raise exceptions.PrefixVersionsDiffer
    for prefix in prefixes:
        ranges.subnet_range(str(prefix), version=prefix.version, dhcp=False)
    merged = ranges.merged(prefixes)
    if len(merged) > MAX_PREFIXES:
        raise exceptions.InvalidInput(reason=f"prefixes: more than {MAX_PREFIXES} prefixes")
    return merged


def _set_bounds(pool: SubnetPool, values: dict[str, Any]) -> None:
    """Set the lengths that subnets of a pool may have. Raises IllegalPrefixBounds (400)."""
    longest = 32 if pool.ip_version == 4 else 128
    for name, usual in (("min_prefixlen", _SHORTEST[pool.ip_version]), ("max_prefixlen", longest)):
        current = getattr(pool, name)
        setattr(pool, name, values.get(name, usual if current is None else current))
    current = pool.default_prefixlen
    pool.default_prefixlen = values.get("default_prefixlen", pool.min_prefixlen if current is None else current)
    for name, bound, limit, is_wrong in (
        ("min_prefixlen", "max_prefixlen", pool.max_prefixlen, pool.min_prefixlen > pool.max_prefixlen),
        ("max_prefixlen", "ip_version_max", longest, pool.max_prefixlen > longest),
        ("default_prefixlen", "min_prefixlen", pool.min_prefixlen, pool.default_prefixlen < pool.min_prefixlen),
        ("default_prefixlen", "max_prefixlen", pool.max_prefixlen, pool.default_prefixlen > pool.max_prefixlen),
    ):
        if is_wrong:
            raise exceptions.IllegalPrefixBounds(name=name, length=getattr(pool, name), bound=bound, limit=limit)


def _hold_scope(context: RequestContext, values: dict[str, Any]) -> None:
    """Keep the address scope that values name as it is. Raises AddressScopeNotFound (404)."""
    if values.get("address_scope_id") and not context.is_admin:
        shared_use.keep(project_id=context.project_id, model=AddressScope, ids=[values["address_scope_id"]])


def _join(context: RequestContext, pool: SubnetPool, values: dict[str, Any]) -> None:
    """Check the prefixes of a pool against its address scope, the one that ``values`` names, and put it there."""
    scope_id = values.get("address_scope_id", pool.address_scope_id)
    if scope_id is not None or pool.address_scope_id is not None:
        address_scopes.check_pool(context, pool, scope_id)
    pool.address_scope_id = scope_id


def update(*, context: RequestContext, subnetpool: SubnetPool, values: dict[str, Any]) -> SubnetPool:
    """Change a subnet pool; its prefixes may only grow.

    Raises IllegalPrefixUpdate, IllegalPoolUpdate (400) for a pool in an address scope of another project, and the
    errors of ``create``.
    """

    def change(pool: SubnetPool) -> None:
        for name in _PLAIN:
            if name in values:
                setattr(pool, name, values[name])
        if "prefixes" in values:
            prefixes = _parsed(values["prefixes"])
            if not ranges.covers(prefixes, _prefixes(pool)):
                raise exceptions.IllegalPrefixUpdate(reason="Existing prefixes must be a subset of the new prefixes")
            _set_prefixes(pool, prefixes)
        if any(name in values for name in _BOUNDS):
            _set_bounds(pool, values)

    return _write(context, subnetpool, change, values)


def _prefixes(pool: SubnetPool) -> list[ranges.Range]:
    return [ranges.network(text, field="prefixes") for text in pool.prefixes]


def _set_prefixes(pool: SubnetPool, prefixes: Iterable[ranges.Range]) -> None:
    merged = _parsed([str(prefix) for prefix in prefixes])
    if merged[0].version != pool.ip_version:
        raise exceptions.PrefixVersionsDiffer
    pool.prefixes = [str(prefix) for prefix in merged]


def _write(
    context: RequestContext, subnetpool: SubnetPool, change: Callable[[SubnetPool], None], values: dict[str, Any]
) -> SubnetPool:
    """Change a pool under its lock, and check it against its address scope."""
    with _one_default(), transaction.atomic():
        locks.address_scopes()
        _hold_scope(context, values)
        pool = locks.subnetpool(subnetpool.id)
        if pool is None:
            raise exceptions.SubnetPoolNotFound(id=subnetpool.id)
        _refuse_foreign_scope(context, pool)
        change(pool)
        _join(context, pool, values)
        pool.revision_number += 1
        pool.save()
    return selectors.get(context=context, subnetpool_id=pool.id)


def _refuse_foreign_scope(context: RequestContext, pool: SubnetPool) -> None:
    if pool.address_scope_id is None or context.is_admin:
        return
    scopes = scope_selectors.visible(context=context).filter(id=pool.address_scope_id)
    if not scopes.filter(project_id=context.project_id or "-").exists():
        raise exceptions.IllegalPoolUpdate(
            reason=f"subnetpool {pool.id} cannot be updated when associated with shared address scope "
            f"{pool.address_scope_id}"
        )


def add_prefixes(*, context: RequestContext, subnetpool: SubnetPool, prefixes: Sequence[str]) -> SubnetPool:
    """Add prefixes to those that a pool has. Raises the errors of ``update``."""
    return _write(context, subnetpool, lambda pool: _set_prefixes(pool, [*_prefixes(pool), *_parsed(prefixes)]), {})


def remove_prefixes(*, context: RequestContext, subnetpool: SubnetPool, prefixes: Sequence[str]) -> SubnetPool:
    """Take prefixes away from a pool. Raises IllegalPrefixUpdate (400) for one that subnets have ranges of."""
    gone = _parsed(prefixes)

    def change(pool: SubnetPool) -> None:
        for cidr in subnet_ranges.allocated(pool):
            if any(ranges.overlap(cidr, prefix) for prefix in gone):
                raise exceptions.IllegalPrefixUpdate(reason=f"{cidr} is allocated to a subnet")
        kept = _prefixes(pool)
        for prefix in gone:
            kept = [part for other in kept for part in ranges.without(other, prefix)]
        _set_prefixes(pool, kept)

    return _write(context, subnetpool, change, {})


def onboard(*, context: RequestContext, subnetpool: SubnetPool, network: Network) -> list[Subnet]:
    """Put a network's subnets of the pool's IP version into the pool, whose prefixes grow by them.

    Raises IllegalPoolUpdate (400) for ranges of another pool, and for ranges that overlap those of subnets in the pool;
    and the errors of ``update``.
    """
    with transaction.atomic():
        locks.address_scopes()
        pool = locks.subnetpool(subnetpool.id)
        if pool is None:
            raise exceptions.SubnetPoolNotFound(id=subnetpool.id)
        rows = list(Subnet.objects.filter(network=network, ip_version=pool.ip_version).order_by("created_at", "id"))
        for row in rows:
            _refuse_other_pool(pool, row)
            _refuse_allocated(pool, row)
        Subnet.objects.filter(id__in=[row.id for row in rows]).update(subnetpool=pool)
        _check_routers(rows)
        ranges_of = [ranges.network(row.cidr, field="cidr") for row in rows]
        if ranges_of:
            _write(context, pool, lambda held: _set_prefixes(held, [*_prefixes(held), *ranges_of]), {})
    return rows


def _refuse_other_pool(pool: SubnetPool, subnet: Subnet) -> None:
    if subnet.subnetpool_id not in (None, pool.id):
        raise exceptions.IllegalPoolUpdate(
            reason=f"Onboarding subnet {subnet.id}: {subnet.cidr} is allocated from another subnet pool"
        )


def _refuse_allocated(pool: SubnetPool, subnet: Subnet) -> None:
    cidr = ranges.network(subnet.cidr, field="cidr")
    if any(ranges.overlap(cidr, other) for other in subnet_ranges.allocated(pool)):
        raise exceptions.IllegalPoolUpdate(
            reason=f"Onboarding subnet {subnet.id}: {cidr} conflicts with allocated prefixes in subnet pool {pool.id}"
        )


def _check_routers(subnets: Iterable[Subnet]) -> None:
    """Refuse subnets that came into a pool's address scope and are on routers with subnets of others."""
    feet = FixedIP.objects.filter(subnet__in=list(subnets), port__router_interface__isnull=False)
    for router_id in set(feet.values_list("port__router_interface__router_id", flat=True)):
        address_scopes.check_router(router_id)


def delete(*, subnetpool: SubnetPool) -> None:
    """Delete a pool that no subnet has a range of. Raises SubnetPoolInUse (400)."""
    try:
        with transaction.atomic(), rbac_policies.forgotten(subnetpool):
            subnetpool.delete()
    except (ProtectedError, IntegrityError):
        raise exceptions.SubnetPoolInUse from None
