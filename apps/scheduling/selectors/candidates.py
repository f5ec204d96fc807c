"""Which hosts could take a server: not all of ten thousand, but as many as are needed to find a good one.

A block of hosts that fit, from a random place on, is read in one statement; what they are is known (selectors/facts).
Where no host of the block will do, everything that fits is read: a refusal is always about all hosts.
"""

import random
import time
import uuid
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from apps.common.sql.planned import Statement
from apps.scheduling.engine import ranking
from apps.scheduling.models.stamps import HOSTS
from apps.scheduling.selectors import facts
from apps.scheduling.selectors.facts import Facts
from apps.scheduling.specs import HostState, RequestSpec
from apps.workflow import catalogue
from apps.workflow.selectors.hosts import BUSY_HOSTS

BLOCK = 64  # hosts that are looked at, of those that fit; a smaller cloud is looked at as a whole
_STARTS = 3  # how often it begins anew because facts changed meanwhile
TOGETHER = ("affinity", "soft-affinity")
IDS = 1 << 128
RARE = 0.2  # in a large cloud where so many hosts have to be read over to fill a block, …
LAST_SECONDS = 5.0  # … those that had room are tried first for so long

_COLUMNS = """
SELECT h.id::text, h.enabled, NOT h.forced_down AND h.heartbeat_at >= now() - make_interval(secs => %(down)s) AS up,
       i.vcpus_used, i.ram_used, i.disk_used, i.servers, h.failed_builds,
       floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio)::bigint AS vcpus,
       floor((i.ram_mib - i.ram_reserved) * i.ram_ratio)::bigint AS ram,
       floor((i.disk_gib - i.disk_reserved) * i.disk_ratio)::bigint AS disk, coalesce(b.count, 0) AS io_ops
  FROM scheduling_inventory i JOIN scheduling_host h ON h.id = i.host_id LEFT JOIN busy b ON b.host = h.name
"""
# RAM first: of a full host it is what is used up, as a rule, and the rest need not be worked out.
_FITS = """
      floor((i.ram_mib - i.ram_reserved) * i.ram_ratio) - i.ram_used >= %(ram)s
  AND floor((i.disk_gib - i.disk_reserved) * i.disk_ratio) - i.disk_used >= %(disk)s
  AND floor((i.vcpus - i.vcpus_reserved) * i.vcpus_ratio) - i.vcpus_used >= %(vcpus)s
  AND h.enabled AND NOT h.forced_down AND h.heartbeat_at >= now() - make_interval(secs => %(down)s)
  AND NOT h.name = ANY(%(ignored)s)
"""
# Hosts' ids are random: from a random one on, in their order, is a random choice that reads no more than it returns.
_PART = f"({_COLUMNS} WHERE i.host_id {{}} %(start)s AND {_FITS} ORDER BY i.host_id LIMIT %(size)s)"
_TYPES = {"down": "double precision", "io_heavy": "text[]"}
_ASKED = {**_TYPES, "vcpus": "bigint", "ram": "bigint", "disk": "bigint", "ignored": "text[]"}


def _statement(name: str, inner: str, types: dict[str, str]) -> Statement:
    """Always a row, for the stamp has to be known where no host fits too."""
    text = f"""
WITH busy AS MATERIALIZED ({BUSY_HOSTS})
SELECT s.value::text, x.* FROM (SELECT 1) AS one LEFT JOIN scheduling_stamp s ON s.name = '{HOSTS}'
  LEFT JOIN LATERAL ({inner}) AS x ON true
"""  # noqa: S608 - nothing but our own text is put in
    return Statement(f"scheduling_{name}", text, types)


_BLOCK = _statement(
    "block",
    f"{_PART.format('>=')} UNION ALL {_PART.format('<')} LIMIT %(size)s",
    {**_ASKED, "start": "uuid", "size": "bigint"},
)
_FITTING = _statement("fitting", f"{_COLUMNS} WHERE {_FITS}", _ASKED)
_NAMED = _statement("named", f"{_COLUMNS} WHERE h.name = ANY(%(names)s) AND {_FITS}", {**_ASKED, "names": "text[]"})
_ONE = _statement("one", f"{_COLUMNS} WHERE h.name = %(name)s", {**_TYPES, "name": "text"})
_ALL = _statement("all", _COLUMNS, _TYPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Hosts that fit. ``complete``: none is missing. ``total``: how many hosts the cloud has. ``spec``: with what is
    known by now of where the server would rather be.
    """

    hosts: list[HostState]
    complete: bool
    total: int
    spec: RequestSpec


# In a cloud that is nearly full, finding what is left takes a look at many hosts: (vCPUs, RAM, disk) -> until when, and
# the names of those that had room. They are tried first; who is not served by them looks further.
_last: dict[tuple[int, int, int], tuple[float, list[str]]] = {}


class _Changed(Exception):
    """Hosts were chosen by facts that are no longer true."""


def widening(*, spec: RequestSpec) -> Iterator[Found]:
    """Yield hosts that fit ``spec``: as many as will do as a rule, and then, for who asks on, all. 1 query each."""
    for _ in range(_STARTS):
        try:
            yield from _widening(facts.kept(), spec)
            return
        except _Changed:
            continue
    now, hosts = _fitting(_FITTING, spec)
    yield _found(now, hosts, spec, complete=True)


def everything() -> list[HostState]:
    """Return all hosts, fitting or not: to explain a refusal."""
    return _states(_ALL, {})[1]


def _widening(known: Facts, spec: RequestSpec) -> Iterator[Found]:
    if spec.force_host:
        now, hosts = _states(_ONE, {"name": spec.force_host})
        yield _found(now, hosts, spec, complete=True)
        return
    narrow = ranking.narrowed(spec)
    if narrow is not None:
        now, hosts = _fitting(_NAMED, spec, names=sorted(narrow))
        yield _found(now, hosts, spec, complete=True)
        return
    few = _eligible(known, spec) if spec.zone else known.kept(_signature(spec))
    if few is not None and len(few) < len(known.hosts):
        yield from _among(known, few, spec, sample=True)
        return
    size = (spec.vcpus, spec.ram_mib, spec.disk_gib)
    until, names = _last.get(size, (0.0, []))
    if names and time.monotonic() < until:
        now, hosts = _fitting(_NAMED, spec, names=names)
        yield _found(now, _with_preferred(hosts, spec), spec, complete=False)
    start = uuid.uuid4()
    now, hosts = _fitting(_BLOCK, spec, start=start, size=BLOCK)
    complete = len(hosts) < BLOCK
    if len(now.hosts) > 4 * BLOCK and (complete or _way(start, hosts[-1].id) > RARE):
        _last[size] = (time.monotonic() + LAST_SECONDS, [host.name for host in hosts])
    else:
        _last.pop(size, None)
    if not complete:
        hosts = _with_preferred(hosts, spec)
    yield _found(now, hosts, spec, complete=complete)
    if complete:
        return
    few = _eligible(now, spec)
    if len(few) < len(now.hosts):
        yield from _among(now, few, spec, sample=False)
        return
    now, hosts = _fitting(_FITTING, spec)
    yield _found(now, hosts, spec, complete=True)


def _way(start: uuid.UUID, end: str) -> float:
    """Return the part of all hosts that lies between two ids: how many were read over to fill the block."""
    return (uuid.UUID(end).int - start.int) % IDS / IDS


def _among(known: Facts, names: list[str], spec: RequestSpec, *, sample: bool) -> Iterator[Found]:
    """Read hosts that were chosen by what they are. Raises _Changed when they are something else by now."""
    parts = [random.sample(names, BLOCK)] if sample and len(names) > BLOCK else []
    for part in [*parts, names]:
        now, hosts = _fitting(_NAMED, spec, names=part)
        if now is not known:
            raise _Changed
        if part is not names:
            hosts = _with_preferred(hosts, spec)
        yield _found(now, hosts, spec, complete=part is names)


def _with_preferred(hosts: list[HostState], spec: RequestSpec) -> list[HostState]:
    """Add the hosts of the server's group to a block: a soft policy has to see them."""
    names = set(spec.group.members) - {host.name for host in hosts} if spec.group else set()
    return [*hosts, *_fitting(_NAMED, spec, names=sorted(names))[1]] if names else hosts


def _signature(spec: RequestSpec) -> Hashable:
    """Return what filters of facts look at, of a spec."""
    return (
        spec.zone,
        spec.project_id,
        spec.flavor_name,
        frozenset(spec.extra_specs.items()),
        frozenset(spec.image_properties.items()),
    )


def _eligible(known: Facts, spec: RequestSpec) -> list[str]:
    """Return the names of the hosts that pass every filter of facts."""
    filters = [one for one in ranking.running(spec) if one.of_facts(spec) and one.applies(spec)]
    # One that fails has said nothing about what hosts are that could be kept: it is asked again of those that are read.
    return known.keep(_signature(spec), lambda host: all(one.passes(host, spec) or one.failure for one in filters))


def _fitting(statement: Statement, spec: RequestSpec, **values: Any) -> tuple[Facts, list[HostState]]:
    asked = {
        "vcpus": spec.vcpus,
        "ram": spec.ram_mib,
        "disk": spec.disk_gib,
        "ignored": sorted(spec.ignore_hosts),
    }
    return _states(statement, {**asked, **values})


def _states(statement: Statement, values: dict[str, Any]) -> tuple[Facts, list[HostState]]:
    """Return hosts with their amounts, and the facts that go with them."""
    rows = statement.fetch({"down": settings.HOST_DOWN_SECONDS, "io_heavy": catalogue.io_heavy(), **values})
    now = facts.of(rows[0][0])
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


def _found(now: Facts, hosts: list[HostState], spec: RequestSpec, *, complete: bool) -> Found:
    return Found(hosts=hosts, complete=complete, total=len(now.hosts), spec=leaning(spec=spec, zones=now.zones))


def leaning(*, spec: RequestSpec, zones: Mapping[str, str]) -> RequestSpec:
    """Return the spec with where it would rather be: in the zones of its group's servers. ``zones``: host -> zone."""
    if spec.group is None or spec.group.policy not in TOGETHER:
        return spec
    near = {zones[name] for name in spec.group.members if name in zones}
    return replace(spec, near_zones=spec.near_zones | near)
