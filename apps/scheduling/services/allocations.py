"""Choosing a host and claiming it: one statement decides, so capacity is never oversold."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from apps.common.sql.planned import Statement
from apps.scheduling import candidates
from apps.scheduling.candidates import FittingHosts
from apps.scheduling.engine import ranking
from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.models import Allocation
from apps.scheduling.services import topologies
from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.sql import allocations as sql

ROUNDS = 5  # how often the hosts are read again after every candidate was taken by somebody else, or room was freed
CLAIMED_AMONG = 256  # hosts that one statement tries


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The host that was claimed, and why."""

    host: str
    zone: str
    explanation: dict[str, Any] = field(default_factory=dict)


def choose_and_claim(*, consumer_id: uuid.UUID, spec: RequestSpec) -> Choice:
    """Claim the best host for ``consumer_id``. Raises NoValidHost with the reason.

    A consumer that already has an allocation gets an IntegrityError: ask ``of_consumer`` first where that may be.
    """
    for _ in range(ROUNDS):
        choice, left = _attempt(consumer_id, spec)
        if choice:
            return choice
        if left and spec.topology is not None and not topologies.have_room(left, spec.topology):
            raise topologies.refusal(left)
        if left:
            continue  # somebody else was faster
        refusal, freed = _final_refusal(spec)
        if not freed:
            raise refusal
    raise _final_refusal(spec)[0]


def _attempt(consumer_id: uuid.UUID, spec: RequestSpec) -> tuple[Choice | None, list[HostState]]:
    """Claim the best of the hosts as they are now; without a choice, return those that the filters left."""
    left: list[HostState] = []
    for batch in candidates.widening(spec=spec):
        verdict = ranking.rank(hosts=batch.hosts, spec=batch.spec)
        left = verdict.hosts
        chosen = (claim if spec.topology is None else _claim_with_topology)(
            consumer_id=consumer_id,
            spec=spec,
            host_ids=[host.id for host in verdict.hosts],
            limits=ranking.limits(hosts=verdict.hosts, spec=spec),
        )
        if chosen:
            return _choice(next(host for host in verdict.hosts if host.id == chosen), verdict, batch), left
    return None, left


def _choice(host: HostState, verdict: ranking.Verdict, batch: FittingHosts) -> Choice:
    explanation = {
        "filters": [*_left(batch), *verdict.table],
        "candidates": verdict.candidates,
        "weights": verdict.weights,
        "misses": verdict.misses,
        "considered": len(batch.hosts),
        "hosts": batch.total,
        "sampled": not batch.complete,
    }
    return Choice(host=host.name, zone=host.zone, explanation=explanation)


def _left(batch: FittingHosts) -> list[dict[str, Any]]:
    """Return the table's rows for PostgreSQL's conditions: hosts that are allowed, and of these the ones that are up
    and have room.
    """
    rows, left, spec = [], batch.total, batch.spec
    if spec.force_host:
        rows.append({"filter": "named", "in": left, "out": min(left, 1)})
        left = min(left, 1)
    elif spec.ignore_hosts:
        may_be = max(left - len(spec.ignore_hosts), len(batch.hosts))
        rows.append({"filter": "failed_before", "in": left, "out": may_be})
        left = may_be
    return [*rows, {"filter": "fits", "in": left, "out": len(batch.hosts)}]


def claim(
    *, consumer_id: uuid.UUID, spec: RequestSpec, host_ids: Sequence[str], limits: Mapping[str, int] | None = None
) -> str | None:
    """Claim the first of ``host_ids`` that fits; return its id, or None when none does any more.

    ``limits``: host id -> how many servers it may have at most, for hosts that may not have any number.
    """
    values: dict[str, Any] = {
        "consumer": consumer_id,
        "vcpus": spec.vcpus,
        "ram": spec.ram_mib,
        "disk": spec.disk_gib,
        "limits": limits or {},
    }
    chosen = _try_or_unlock(sql.CLAIM_NEXT, values, host_ids)
    # A waiting claim keeps its locks on full hosts. All claims wait in the same order, so none deadlocks.
    return chosen or _try_or_unlock(sql.CLAIM_WAIT, values, sorted(host_ids))


def _claim_with_topology(
    *, consumer_id: uuid.UUID, spec: RequestSpec, host_ids: Sequence[str], limits: Mapping[str, int] | None = None
) -> str | None:
    """The same for a guest with dedicated processors, cells or pages, host by host."""
    assert spec.topology is not None
    for host_id in host_ids:
        with transaction.atomic():
            if claim(consumer_id=consumer_id, spec=spec, host_ids=[host_id], limits=limits):
                if topologies.place(consumer_id=consumer_id, guest=spec.topology, host_id=host_id):
                    return host_id
                transaction.set_rollback(True)
    return None


def _try_or_unlock(statement: Statement, values: dict[str, Any], host_ids: Sequence[str]) -> str | None:
    """Claim, and roll back to a savepoint if no host fits: that releases locks before the next list is tried."""
    if not connection.in_atomic_block:
        return _try(statement, values, host_ids)
    mark = transaction.savepoint()
    chosen = _try(statement, values, host_ids)
    if chosen is None:
        transaction.savepoint_rollback(mark)
    else:
        transaction.savepoint_commit(mark)
    return chosen


def _try(statement: Statement, values: dict[str, Any], host_ids: Sequence[str]) -> str | None:
    for first in range(0, len(host_ids), CLAIMED_AMONG):
        part = list(host_ids[first : first + CLAIMED_AMONG])
        most = [values["limits"].get(host) for host in part] if values["limits"] else []
        # A list of nothing but NULL would be one of texts.
        rows = statement.fetch({**values, "hosts": part, "limits": most if set(most) != {None} else []})
        if rows:
            return str(rows[0][0])
    return None


def _final_refusal(spec: RequestSpec) -> tuple[NoValidHost, bool]:
    """Return a refusal that covers all hosts, and whether a host has room by now (then the caller tries again)."""
    everything = candidates.everything()
    if spec.force_host:
        everything = [host for host in everything if host.name == spec.force_host]
    verdict = ranking.rank(hosts=everything, spec=spec)
    error = NoValidHost(reason=ranking.explain(verdict=verdict, hosts=everything))
    error.values["explanation"] = {
        "filters": verdict.table,
        "misses": verdict.misses,
        "considered": len(everything),
        "excluded": sorted(spec.ignore_hosts),
    }
    return error, any(_has_room(host, spec) for host in verdict.hosts)


def _has_room(host: HostState, spec: RequestSpec) -> bool:
    """The claim asks this of hosts even where the filters of the amounts are left out."""
    free = ((host.vcpus_free, spec.vcpus), (host.ram_free, spec.ram_mib), (host.disk_free, spec.disk_gib))
    return all(there >= asked for there, asked in free)


def set_disk(*, consumer_id: uuid.UUID, disk_gib: int) -> bool:
    """Make the disk of the consumer's claim ``disk_gib`` GiB; False: its host has no room, or there is no claim."""
    with connection.cursor() as cursor:
        cursor.execute(sql.GROW, {"consumer": consumer_id, "disk": disk_gib})
        return bool(cursor.rowcount)


def release(*, consumer_id: uuid.UUID) -> None:
    """Release the consumer's claim. Without an allocation nothing happens."""
    with connection.cursor() as cursor:
        cursor.execute(sql.RELEASE, [consumer_id])


def release_all(*, consumer_ids: Sequence[uuid.UUID]) -> None:
    """Release several consumers' claims, in the order of their hosts. In a transaction."""
    rows = Allocation.objects.filter(consumer_id__in=list(consumer_ids)).order_by("host_id")
    for consumer_id in rows.values_list("consumer_id", flat=True):
        release(consumer_id=consumer_id)


def hand_over(*, claimed_by: uuid.UUID, consumer_id: uuid.UUID) -> None:
    """Give the allocation of ``claimed_by`` to ``consumer_id``, whose own is released. Nothing where it has none."""
    with transaction.atomic():
        if Allocation.objects.filter(consumer_id=claimed_by).exists():
            release(consumer_id=consumer_id)
            Allocation.objects.filter(consumer_id=claimed_by).update(consumer_id=consumer_id)


def swap(*, first: uuid.UUID, second: uuid.UUID) -> None:
    """Give each consumer the other's allocation, in the caller's transaction. Both have one, or nothing happens."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SWAP, {"consumers": [first, second]})


def of_consumer(*, consumer_id: uuid.UUID) -> Allocation | None:
    """Return a consumer's claim with its host. 1 query, of most steps that move a server."""
    for row in sql.OF_CONSUMER.fetch({"consumer": consumer_id}):
        claim = sql.ROW.read(row[: sql.ROW.width])
        claim.host = sql.HOST.read(row[sql.ROW.width :])
        return claim
    return None


def cells_of(*, consumer_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the NUMA cells of the consumer's claim. 1 query."""
    topology = Allocation.objects.filter(consumer_id=consumer_id).values_list("topology", flat=True).first()
    return list(topology["cells"]) if topology else []
