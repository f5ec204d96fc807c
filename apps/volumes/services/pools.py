"""Pools: reported by agents, filtered and weighed for new volumes, and claimed."""

import uuid
from collections.abc import Collection
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.scheduling.exceptions import NoValidHost
from apps.scheduling.selectors import hosts
from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec
from apps.volumes import locks
from apps.volumes.models import Pool, Volume
from apps.volumes.selectors import backends, pools
from apps.volumes.selectors.affinity import Affinity
from apps.volumes.selectors.pools import PoolUse


def report(*, host: str, backend: str, shared: bool, total_gib: int, free_gib: int, reserve_gib: int) -> None:
    """Write what a host's agent sees."""
    values = {
        "shared": shared, "total_gib": total_gib, "free_gib": free_gib, "reserve_gib": reserve_gib,
        "reported_at": timezone.now(),
    }  # fmt: skip
    Pool.objects.update_or_create(host=host, backend=backend, defaults=values)


def forget(*, host: str, but: Collection[str]) -> None:
    """A host has other back ends no more."""
    Pool.objects.filter(host=host).exclude(backend__in=list(but)).delete()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The host of a new volume, its zone, and why: how many hosts each filter left, and their weights."""

    host: str
    zone: str
    explanation: dict[str, Any] = field(default_factory=dict)


def choose_target(
    *, volume: Volume, backend: str, zone: str, host: str, without: Collection[str], claim: uuid.UUID
) -> Choice:
    """Choose a host of another back end for a volume that moves there, and claim room for it in the name of ``claim``.

    In the caller's transaction, which notes the target in the volume's row. Raises NoValidHost with the reasons.
    """
    locks.pools(backend)
    there = copy(volume)
    there.backend, there.host, there.source_backup_id = backend, "", None  # nothing is restored there
    use, chosen_zone, explanation = _best(there, zone, host, set(without))
    spec = RequestSpec(vcpus=0, ram_mib=0, disk_gib=0, force_host=use.pool.host, project_id=volume.project_id)
    allocations.choose_and_claim(consumer_id=claim, spec=spec)
    return Choice(host=use.pool.host, zone=chosen_zone, explanation=explanation)


def choose_and_claim(
    *,
    volume: Volume,
    zone: str = "",
    host: str = "",
    without: Collection[str] = (),
    lacking: Collection[str] = (),
    near: Affinity | None = None,
    sets_host: bool = True,
) -> Choice:
    """Choose a host for a volume of a back end with pools, and claim room for it there. ``host``: only that one.
    ``lacking``: hosts whose pools are not what the volume's type asks for.

    The volume is on the host from then on, unless its build sets that later (``sets_host``). Raises NoValidHost with
    the reasons.
    """
    with transaction.atomic():
        if sets_host:
            locks.volume(volume.id)
        locks.pools(volume.backend)
        use, chosen_zone, explanation = _best(volume, zone, host, set(without), set(lacking), near)
        if sets_host:
            Volume.objects.filter(id=volume.id).update(host=use.pool.host)
        allocations.release(consumer_id=volume.id)
        spec = RequestSpec(vcpus=0, ram_mib=0, disk_gib=0, force_host=use.pool.host, project_id=volume.project_id)
        allocations.choose_and_claim(consumer_id=volume.id, spec=spec)
    return Choice(host=use.pool.host, zone=chosen_zone, explanation=explanation)


def _best(
    volume: Volume, zone: str, host: str, without: set[str], lacking: Collection[str] = (), near: Affinity | None = None
) -> tuple[PoolUse, str, dict[str, Any]]:
    """Return the pool with most room, its zone, and why. Raises NoValidHost with the reasons."""
    verdict = _judge(volume, zone, host, without, lacking, near or Affinity())
    if not verdict.left:
        error = NoValidHost(reason="; ".join(verdict.misses) or f"No host has the back end {volume.backend}.")
        error.values["explanation"] = verdict.explanation
        raise error
    use, chosen_zone = verdict.left[0]
    return use, chosen_zone, verdict.explanation


@dataclass(frozen=True, slots=True)
class _Verdict:
    left: list[tuple[PoolUse, str]]
    misses: list[str]
    explanation: dict[str, Any]


def _judge(
    volume: Volume, zone: str, host: str, without: set[str], lacking: Collection[str], near: Affinity
) -> _Verdict:
    """Filter the back end's pools, and put the one with most room first."""
    rows = {row.name: row for row in hosts.all_hosts()}
    off, unrestored = backends.disabled_hosts(backend=volume.backend), backends.without_backups(volume)
    left = [use for use in pools.of_backend(backend=volume.backend) if use.pool.host in rows]
    considered, misses, table = len(left), [], []

    def is_counted(use: PoolUse) -> bool:
        """One that is taken over is on its host already."""
        return volume.host == use.pool.host

    checks = (
        ("failed_before", lambda use: "failed before" if use.pool.host in without else ""),
        ("named", lambda use: "was not asked for" if host and use.pool.host != host else ""),
        ("up", lambda use: "" if rows[use.pool.host].is_up and rows[use.pool.host].enabled else "is down or disabled"),
        ("backend_enabled", lambda use: "is disabled for new volumes" if use.pool.host in off else ""),
        ("backups_enabled", lambda use: "restores no backups" if use.pool.host in unrestored else ""),
        ("zone", lambda use: "" if not zone or rows[use.pool.host].zone == zone else f"is not in the zone {zone}"),
        ("capabilities", lambda use: "is not as large as the type asks for" if use.pool.host in lacking else ""),
        ("affinity", lambda use: near.miss(use.pool.host)),
        ("room", lambda use: use.shortfall(0 if is_counted(use) else volume.size)),
    )
    for name, shortfall in checks:
        passed = [use for use in left if not shortfall(use)]
        if len(passed) < len(left):
            misses += [f"{use.pool} {shortfall(use)}" for use in left if shortfall(use)]
            table.append({"filter": name, "in": len(left), "out": len(passed)})
        left = passed
    left.sort(key=lambda use: (use.claimed_gib - use.limit_gib, -use.pool.free_gib, use.pool.host))
    candidates = [
        {"host": use.pool.host, "weight": use.limit_gib - use.claimed_gib, "weights": {"free GiB": use.pool.free_gib}}
        for use in left
    ]
    explanation = {
        "filters": table, "candidates": candidates, "misses": misses, "considered": considered, "hosts": considered,
    }  # fmt: skip
    return _Verdict([(use, rows[use.pool.host].zone) for use in left], misses, explanation)
