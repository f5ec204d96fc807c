"""A scheduler process's cache between choices: hosts' attributes, and hosts that recently had room.

Traits, zones and aggregates of ten thousand hosts are not read at every boot. Triggers renew the stamp ``hosts`` when
one of them changes (migration 0003); the statement that reads amounts reads the stamp too, and the facts ``of`` that
stamp go with them.

Replaces: nothing upstream; Nova's scheduler reads the hosts with each request, or receives their state by RPC.
Gains: a choice among 10,000 hosts reads amounts only (docs/benchmarks.md).
Remove: let ``of`` always read; a later migration may then drop the triggers and the table of stamps.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import Any

from django.db import connection

from apps.scheduling.candidates import sql
from apps.scheduling.models import Aggregate
from apps.scheduling.models.stamps import HOSTS
from apps.scheduling.specs import AggregateState, HostState

KEPT_ANSWERS = 512
ROOM_SECONDS = 5.0


class KnownHosts:
    """All hosts by id, as they were at ``stamp``. Their amounts are 0: those are not known here."""

    def __init__(self, stamp: str | None, hosts: dict[str, HostState]) -> None:
        self.stamp = stamp
        self.hosts = hosts
        self._answers: OrderedDict[Hashable, list[str]] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def zones(self) -> dict[str, str]:
        """Host name -> zone."""
        return {host.name: host.zone for host in self.hosts.values()}

    @cached_property
    def kinds(self) -> list[tuple[HostState, list[str]]]:
        """Hosts that are alike but for their names: one of them, and all their names."""
        by_kind: dict[Hashable, tuple[HostState, list[str]]] = {}
        for host in self.hosts.values():
            alike = (host.zone, host.arch, host.hypervisor_type, host.virt_type, host.hypervisor_version)
            key = (*alike, id(host.traits), id(host.aggregates))  # alike ones share these
            by_kind.setdefault(key, (host, []))[1].append(host.name)
        return list(by_kind.values())

    def kept(self, key: Hashable) -> list[str] | None:
        """Return an answer about these hosts that was worked out before."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def keep(self, key: Hashable, passes: Callable[[HostState], bool]) -> list[str]:
        """Return the names of the hosts that pass, worked out once for ``key``. The oldest of many are forgotten."""
        names_that_pass = self.kept(key)
        if names_that_pass is None:
            names_that_pass = [name for host, names in self.kinds if passes(host) for name in names]
            with self._lock:
                self._answers[key] = names_that_pass
                if len(self._answers) > KEPT_ANSWERS:
                    self._answers.popitem(last=False)
        return names_that_pass


class RecentRoom:
    """Hosts that had room a moment ago, by the size (vCPUs, RAM, disk) that was asked for.

    In a cloud that is nearly full, finding them took a look at many hosts. They are tried first for ``ROOM_SECONDS``;
    a request that none of them serves looks further.
    """

    def __init__(self) -> None:
        self._by_size: dict[tuple[int, int, int], tuple[float, list[str]]] = {}

    def names(self, size: tuple[int, int, int]) -> list[str]:
        until, names = self._by_size.get(size, (0.0, []))
        return names if time.monotonic() < until else []

    def keep(self, size: tuple[int, int, int], names: list[str]) -> None:
        self._by_size[size] = (time.monotonic() + ROOM_SECONDS, names)

    def forget(self, size: tuple[int, int, int]) -> None:
        self._by_size.pop(size, None)

    def clear(self) -> None:
        self._by_size.clear()


room = RecentRoom()
_kept = KnownHosts(None, {})
_reading = threading.Lock()


def kept() -> KnownHosts:
    """Return the facts of whatever stamp this process read last; it reads them when it has none."""
    return _kept if _kept.stamp is not None else of(None)


def of(stamp: str | None) -> KnownHosts:
    """Return the facts of ``stamp``, or newer ones. Without a stamp changes cannot be detected: the hosts are read."""
    if stamp is not None and _kept.stamp == stamp:
        return _kept
    with _reading:  # of many threads that find out at once one reads
        return _kept if stamp is not None and _kept.stamp == stamp else _read()


def _read() -> KnownHosts:
    """4 queries. The stamp is read first: later changes have another one and are read again."""
    global _kept
    with connection.cursor() as cursor:
        cursor.execute(sql.STAMP, [HOSTS])
        row = cursor.fetchone()
        aggregates = {aggregate.id: _state(aggregate) for aggregate in Aggregate.objects.all()}
        cursor.execute(sql.MEMBERS)
        same: dict[tuple[int, ...], tuple[AggregateState, ...]] = {}  # many hosts are in the same aggregates
        members = {}
        for host, ids in cursor:
            key = tuple(sorted(aggregate for aggregate in ids if aggregate in aggregates))
            members[host] = same.get(key) or same.setdefault(key, tuple(aggregates[aggregate] for aggregate in key))
        cursor.execute(sql.HOST_FACTS)
        _kept = KnownHosts(row[0] if row else None, _hosts(cursor, members))
    return _kept


def _state(aggregate: Aggregate) -> AggregateState:
    return AggregateState(
        name=aggregate.name, metadata={str(key): str(value) for key, value in aggregate.metadata.items()}
    )


def _hosts(rows: Iterable[Any], members: dict[str, tuple[AggregateState, ...]]) -> dict[str, HostState]:
    same: dict[str, frozenset[str]] = {}  # many hosts are alike: one set of traits for all of them
    return {
        key: HostState(
            id=key,
            name=name,
            zone=zone,
            enabled=False,
            up=False,
            vcpus_free=0,
            ram_free=0,
            disk_free=0,
            arch=arch,
            hypervisor_type=kind,
            virt_type=virt,
            hypervisor_version=version,
            traits=same.get(text) or same.setdefault(text, frozenset(text.split())),
            aggregates=members.get(key, ()),
        )
        for key, name, zone, arch, kind, virt, version, text in rows
    }
