"""Which hosts could take a server: not all of ten thousand, but as many as are needed to find a good one.

A block of hosts that fit, from a random position on, is read in one statement; their attributes are cached. Where no
host of the block will do, everything that fits is read: a refusal is always about all hosts.

Replaces: nothing of upstream; Placement reads all providers that fit, at most ``max_placement_results``.
Gains: with 10,000 hosts a choice reads 64 rows, not all (docs/benchmarks.md).
Remove: let ``widening`` yield ``FittingHosts`` of ``sql.FITTING`` alone.
"""

import random
import uuid
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from apps.common.sql.planned import Statement
from apps.scheduling.candidates import cache, sql
from apps.scheduling.candidates.cache import KnownHosts
from apps.scheduling.engine import ranking
from apps.scheduling.specs import HostState, RequestSpec
from apps.workflow import catalogue

BLOCK_SIZE = 64  # hosts that are read, of those that fit; a smaller cloud is read as a whole
_STARTS = 3  # how often it starts again because facts changed meanwhile
TOGETHER = ("affinity", "soft-affinity")
IDS = 1 << 128
RARE = 0.2  # in a large cloud in which that part of the hosts was passed over to fill a block, its hosts are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class FittingHosts:
    """Hosts that fit. ``complete``: none is missing. ``total``: how many hosts the cloud has. ``spec``: with the
    server's current preferences.
    """

    hosts: list[HostState]
    complete: bool
    total: int
    spec: RequestSpec


class _Changed(Exception):
    """Hosts were chosen by facts that are outdated."""


def widening(*, spec: RequestSpec) -> Iterator[FittingHosts]:
    """Yield hosts that fit ``spec``: first usually enough of them, then all. 1 query each."""
    for _ in range(_STARTS):
        try:
            yield from _widening(cache.kept(), spec)
            return
        except _Changed:
            continue
    now, hosts = _fitting(sql.FITTING, spec)
    yield _fitting_hosts(now, hosts, spec, complete=True)


def everything() -> list[HostState]:
    """Return all hosts, fitting or not: to explain a refusal."""
    return states(sql.ALL, {})[1]


def _widening(known: KnownHosts, spec: RequestSpec) -> Iterator[FittingHosts]:
    if spec.force_host:
        now, hosts = states(sql.ONE, {"name": spec.force_host})
        yield _fitting_hosts(now, hosts, spec, complete=True)
        return
    narrow = ranking.narrowed(spec)
    if narrow is not None:
        now, hosts = _fitting(sql.NAMED, spec, names=sorted(narrow))
        yield _fitting_hosts(now, hosts, spec, complete=True)
        return
    few = _eligible(known, spec) if spec.zone else known.kept(_signature(spec))
    if few is not None and len(few) < len(known.hosts):
        yield from _among(known, few, spec, sample=True)
        return
    size = (spec.vcpus, spec.ram_mib, spec.disk_gib)
    names = cache.room.names(size)
    if names:
        now, hosts = _fitting(sql.NAMED, spec, names=names)
        yield _fitting_hosts(now, _with_preferred(hosts, spec), spec, complete=False)
    start = uuid.uuid4()
    now, hosts = _fitting(sql.BLOCK, spec, start=start, size=BLOCK_SIZE)
    complete = len(hosts) < BLOCK_SIZE
    if len(now.hosts) > 4 * BLOCK_SIZE and (complete or _way(start, hosts[-1].id) > RARE):
        cache.room.keep(size, [host.name for host in hosts])
    else:
        cache.room.forget(size)
    if not complete:
        hosts = _with_preferred(hosts, spec)
    yield _fitting_hosts(now, hosts, spec, complete=complete)
    if complete:
        return
    few = _eligible(now, spec)
    if len(few) < len(now.hosts):
        yield from _among(now, few, spec, sample=False)
        return
    now, hosts = _fitting(sql.FITTING, spec)
    yield _fitting_hosts(now, hosts, spec, complete=True)


def _way(start: uuid.UUID, end: str) -> float:
    """Return the part of all hosts between two IDs, which estimates how many were skipped to fill the block."""
    return (uuid.UUID(end).int - start.int) % IDS / IDS


def _among(known: KnownHosts, names: list[str], spec: RequestSpec, *, sample: bool) -> Iterator[FittingHosts]:
    """Read hosts that were chosen by their attributes. Raises _Changed when they are something else by now."""
    parts = [random.sample(names, BLOCK_SIZE)] if sample and len(names) > BLOCK_SIZE else []
    for part in [*parts, names]:
        now, hosts = _fitting(sql.NAMED, spec, names=part)
        if now is not known:
            raise _Changed
        if part is not names:
            hosts = _with_preferred(hosts, spec)
        yield _fitting_hosts(now, hosts, spec, complete=part is names)


def _with_preferred(hosts: list[HostState], spec: RequestSpec) -> list[HostState]:
    """Add the hosts of the server's group, and of its volumes, to a block: what prefers them has to see them."""
    names = {*(spec.group.members if spec.group else ()), *spec.near_hosts}
    names -= {host.name for host in hosts}
    return [*hosts, *_fitting(sql.NAMED, spec, names=sorted(names))[1]] if names else hosts


def _signature(spec: RequestSpec) -> Hashable:
    """Return what filters of facts look at, of a spec."""
    return (
        spec.zone,
        spec.project_id,
        spec.flavor_name,
        frozenset(spec.extra_specs.items()),
        frozenset(spec.image_properties.items()),
    )


def _eligible(known: KnownHosts, spec: RequestSpec) -> list[str]:
    """Return the names of the hosts that pass every filter of facts."""
    filters = [check for check in ranking.running(spec) if check.of_attributes(spec) and check.applies(spec)]
    # A filter that failed has no cacheable answer: it runs again on the hosts that are read.
    return known.keep(
        _signature(spec), lambda host: all(check.passes(host, spec) or check.failure for check in filters)
    )


def _fitting(statement: Statement, spec: RequestSpec, **values: Any) -> tuple[KnownHosts, list[HostState]]:
    asked = {
        "vcpus": spec.vcpus,
        "ram": spec.ram_mib,
        "disk": spec.disk_gib,
        "ignored": sorted(spec.ignore_hosts),
    }
    return states(statement, {**asked, **values})


def states(statement: Statement, values: dict[str, Any]) -> tuple[KnownHosts, list[HostState]]:
    """Return hosts with their amounts, and the facts that go with them."""
    rows = statement.fetch({"down": settings.HOST_DOWN_SECONDS, "io_heavy": catalogue.io_heavy(), **values})
    now = cache.of(rows[0][0])
    return now, [_state(now.hosts[row[1]], row) for row in rows if row[1] in now.hosts]


def _state(host: HostState, row: tuple[Any, ...]) -> HostState:
    _, _, enabled, up, vcpus_used, ram_used, disk_used, servers, failed, vcpus, ram, disk, io_ops = row
    return HostState(
        id=host.id,
        name=host.name,
        zone=host.zone,
        enabled=enabled,
        up=up,
        vcpus_free=vcpus - vcpus_used,
        ram_free=ram - ram_used,
        disk_free=disk - disk_used,
        arch=host.arch,
        hypervisor_type=host.hypervisor_type,
        virt_type=host.virt_type,
        hypervisor_version=host.hypervisor_version,
        traits=host.traits,
        servers=servers,
        aggregates=host.aggregates,
        io_ops=io_ops,
        failed_builds=failed,
        vcpus_total=vcpus,
        ram_total=ram,
        disk_total=disk,
    )


def _fitting_hosts(now: KnownHosts, hosts: list[HostState], spec: RequestSpec, *, complete: bool) -> FittingHosts:
    return FittingHosts(hosts=hosts, complete=complete, total=len(now.hosts), spec=leaning(spec=spec, zones=now.zones))


def leaning(*, spec: RequestSpec, zones: Mapping[str, str]) -> RequestSpec:
    """Return the spec with where it would rather be: in the zones of its group's servers. ``zones``: host -> zone."""
    if spec.group is None or spec.group.policy not in TOGETHER:
        return spec
    near = {zones[name] for name in spec.group.members if name in zones}
    return replace(spec, near_zones=spec.near_zones | near)
