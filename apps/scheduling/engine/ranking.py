"""The engine that runs filters and weighers. Pure except for its settings; it counts how many hosts each filter
removed.
"""

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings

from apps.scheduling.engine import enabled
from apps.scheduling.filters.base import Filter
from apps.scheduling.specs import HostState, RequestSpec
from apps.scheduling.weighers.base import Weigher

TOLD_CANDIDATES = 10
TOLD_MISSES = 20
log = structlog.get_logger("celerity.scheduling")
_CAP = 100.0  # no filter makes a host further away than this


@dataclass(slots=True)
class Verdict:
    """``hosts`` in the order of preference; ``table`` has one row per filter; ``misses`` say what the hosts lack that
    were nearest to passing, ``reasons`` how many hosts each filter's reason removed, ``advice`` is for the user.
    ``candidates`` are the best hosts with their weights, in all and by weigher.
    """

    hosts: list[HostState]
    table: list[dict[str, Any]] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    advice: str = ""
    candidates: list[dict[str, Any]] = field(default_factory=list)

    @property
    def weights(self) -> dict[str, float]:
        """The best hosts' weights by name."""
        return {candidate["host"]: candidate["weight"] for candidate in self.candidates}


def running(spec: RequestSpec) -> list[Filter]:
    """Return the filters that look at this spec's hosts."""
    return [entry for entry in enabled.filters() if not (spec.force_host and entry.soft_for_forced)]


def narrowed(spec: RequestSpec) -> frozenset[str] | None:
    """Return the names of the only hosts that could pass, where the spec names them; None: any could."""
    possible: frozenset[str] | None = None
    for item in running(spec):
        names = item.narrow(spec)
        if names is not None:
            possible = names if possible is None else possible & names
    return possible


def limits(*, hosts: Sequence[HostState], spec: RequestSpec) -> dict[str, int]:
    """Return host id -> how many servers it may have at most, of those hosts for which there is a limit."""
    most_by_host: dict[str, int] = {}
    for item in running(spec):
        if item.limits_servers:
            for host in hosts:
                most = item.most_servers(host)
                if most is not None:
                    most_by_host[host.id] = min(most, most_by_host.get(host.id, most))
    return most_by_host


def rank(*, hosts: Sequence[HostState], spec: RequestSpec) -> Verdict:
    """Filter, weigh and order ``hosts``; of the first ``SCHEDULER_HOST_SUBSET_SIZE`` those are shuffled that differ
    from the best in their load alone.

    Shuffling keeps concurrent requests that saw the same state from queueing up for the same host.
    """
    verdict = Verdict(hosts=[])
    filters, left = running(spec), list(hosts)
    lost: list[HostState] = []
    for item in filters:
        kept = [host for host in left if item.passes(host, spec)] if item.applies(spec) else left
        kept = [] if item.failure else kept
        verdict.table.append({"filter": item.name, "in": len(left), "out": len(kept)})
        if len(kept) < len(left):
            names = {host.id for host in kept}
            lost += [host for host in left if host.id not in names]
            verdict.reasons[item.reason] = len(left) - len(kept)
            verdict.advice = item.advice or verdict.advice
        left = kept
        if not left:
            break
    verdict.misses = _nearest(lost, [item for item in filters if item.applies(spec)], spec)
    verdict.hosts = _ordered(left, spec, verdict)
    return verdict


def _nearest(hosts: Sequence[HostState], filters: Sequence[Filter], spec: RequestSpec) -> list[str]:
    """Return what the hosts nearest to passing lack, according to all filters."""

    def total(host: HostState) -> tuple[float, str]:
        short = (min(item.distance(host, spec), _CAP) for item in filters if not item.passes(host, spec))
        return sum(short), host.name

    nearest = heapq.nsmallest(TOLD_MISSES, hosts, key=total)
    return [
        f"{host.name} " + " and ".join(item.shortfall(host, spec) for item in filters if not item.passes(host, spec))
        for host in nearest
    ]


def _ordered(hosts: list[HostState], spec: RequestSpec, verdict: Verdict) -> list[HostState]:
    if not hosts:
        return []
    weighers = enabled.weighers()
    parts = {weigher.name: _scaled(weigher, multiplier, hosts, spec) for weigher, multiplier in weighers}
    totals = [sum(part[index] for part in parts.values()) for index in range(len(hosts))]
    order = sorted(range(len(hosts)), key=lambda index: -totals[index])
    verdict.candidates = [
        {
            "host": hosts[index].name,
            "weight": round(totals[index], 4),
            "weights": {name: round(part[index], 4) for name, part in parts.items() if part[index]},
        }
        for index in order[:TOLD_CANDIDATES]
    ]
    firm = [parts[weigher.name] for weigher, _ in weighers if not weigher.of_load]
    best = [part[order[0]] for part in firm]
    size = max(1, settings.SCHEDULER_HOST_SUBSET_SIZE)
    head = [index for index in order[:size] if [part[index] for part in firm] == best]
    rest = [index for index in order if index not in head]
    random.shuffle(head)
    return [hosts[index] for index in head + rest]


def _scaled(weigher: Weigher, multiplier: float, hosts: list[HostState], spec: RequestSpec) -> list[float]:
    """Return the hosts' weights scaled to 0…1 and multiplied: by an aggregate's multiplier, or by ``multiplier``."""
    raw = _raw(weigher, hosts, spec)
    low, high = min(raw, default=0.0), max(raw, default=0.0)
    if high <= low:
        return [0.0] * len(hosts)
    key, span = weigher.key, high - low
    return [
        (_multiplier(host, key, multiplier) if host.aggregates else multiplier) * ((weight - low) / span)
        for host, weight in zip(hosts, raw, strict=True)
    ]


def _raw(weigher: Weigher, hosts: list[HostState], spec: RequestSpec) -> list[float]:
    """Return the weigher's weights; none if it does not apply, or fails, as an operator's own may."""
    try:
        raw = [weigher.weigh(host, spec) for host in hosts] if weigher.applies(spec) else []
        if not math.isfinite(sum(raw)):
            raise ValueError("a weight is no finite number")
    except Exception:
        log.exception("a weigher failed: it weighs nothing", weigher=weigher.name)
        return []
    return raw


def _multiplier(host: HostState, key: str, default: float) -> float:
    """Return the smallest number that the host's aggregates say under ``key``, else ``default``, as in Nova."""
    words = host.aggregate_values(key)
    if not words:
        return default
    try:
        lowest = min(float(word) for word in words)
    except ValueError:
        return default
    return lowest if math.isfinite(lowest) else default


# Reasons of filters -> what no host has, if it is the only reason.
ENOUGH = {
    "with too little RAM": "enough free RAM",
    "with too little disk": "enough free disk",
    "with too few vCPUs": "enough free vCPUs",
}


def explain(*, verdict: Verdict, hosts: Sequence[HostState]) -> str:
    """Return the sentences for a user when no host is left: what hosts lack, how many, and advice.

    Only operators may see names and amounts (OSSA 2019-003): the run's explanation has these.
    """
    if not hosts:
        return "There is no compute host."
    noun = "host" if len(hosts) == 1 else "hosts"
    reasons = "; ".join(f"{count} {reason}" for reason, count in verdict.reasons.items())
    if not reasons:
        return f"None of the {len(hosts)} {noun} was left. Try again."
    if len(verdict.reasons) == 1 and (missing := ENOUGH.get(next(iter(verdict.reasons)))):
        return f"No host has {missing} ({len(hosts)} {noun} checked). {verdict.advice}".rstrip()
    return f"{len(hosts)} {noun} checked: {reasons}. {verdict.advice}".rstrip()
