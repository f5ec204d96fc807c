"""The engine that runs filters and weighers: pure, and it counts what each removed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.scheduling.filters.base import Filter
from apps.scheduling.states import Demand, HostState
from apps.scheduling.weighers.base import Weigher


@dataclass(slots=True)
class Verdict:
    """``hosts`` in the order of preference; ``table`` has one row per filter; ``misses`` say what hosts lack,
    ``reasons`` how many hosts each filter's reason removed."""

    hosts: list[HostState]
    table: list[dict[str, Any]] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)


@lru_cache(maxsize=4)
def _filters(paths: tuple[str, ...]) -> list[Filter]:
    return [import_string(path)() for path in paths]


@lru_cache(maxsize=4)
def _weighers(pairs: tuple[tuple[str, float], ...]) -> list[tuple[Weigher, float]]:
    return [(import_string(path)(), multiplier) for path, multiplier in pairs]


def rank(*, hosts: Sequence[HostState], demand: Demand) -> Verdict:
    """Filter, weigh and order ``hosts``; the first ``SCHEDULER_HOST_SUBSET_SIZE`` are shuffled.

    Shuffling keeps concurrent requests that saw the same state from queueing up for the same host.
    """
    verdict = Verdict(hosts=[])
    left = list(hosts)
    for one in _filters(tuple(settings.SCHEDULER_FILTERS)):
        if demand.force_host and one.soft_for_forced:
            continue
        kept = [host for host in left if one.passes(host, demand)]
        lost = [host for host in left if not one.passes(host, demand)] if len(kept) < len(left) else []
        verdict.table.append({"filter": one.name, "in": len(left), "out": len(kept)})
        if lost:
            verdict.reasons[one.reason] = len(lost)
        verdict.misses += [f"{host.name} {one.shortfall(host, demand)}" for host in lost[:5]]
        left = kept
        if not left:
            break
    verdict.hosts = _ordered(left, demand, verdict)
    return verdict


def _ordered(hosts: list[HostState], demand: Demand, verdict: Verdict) -> list[HostState]:
    totals = dict.fromkeys((host.id for host in hosts), 0.0)
    for weigher, multiplier in _weighers(tuple(map(tuple, settings.SCHEDULER_WEIGHERS))):
        raw = [weigher.weigh(host, demand) for host in hosts]
        low, high = min(raw, default=0.0), max(raw, default=0.0)
        for host, weight in zip(hosts, raw, strict=True):
            totals[host.id] += multiplier * ((weight - low) / (high - low) if high > low else 0.0)
    order = sorted(hosts, key=lambda host: -totals[host.id])
    size = min(len(order), max(1, settings.SCHEDULER_HOST_SUBSET_SIZE))
    head = order[:size]
    random.shuffle(head)
    verdict.weights = {host.name: round(totals[host.id], 4) for host in order[:10]}
    return head + order[size:]


def explain(*, verdict: Verdict, hosts: Sequence[HostState]) -> str:
    """Return the sentence a user reads when no host is left: what hosts lack, and how many.

    Names and amounts are the operator's (OSSA 2019-003): they stand in the run's explanation.
    """
    if not hosts:
        return "There is no compute host."
    noun = "host" if len(hosts) == 1 else "hosts"
    told = "; ".join(f"{count} {reason}" for reason, count in verdict.reasons.items())
    return f"{len(hosts)} {noun} considered: {told}." if told else f"None of the {len(hosts)} {noun} was left."
