"""Registering hosts, their heartbeats and their state."""

import math
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, When
from django.db.models.functions import Now
from django.utils import timezone

from apps.scheduling import locks
from apps.scheduling.exceptions import HostNameInvalid, HostNotDead, TraitInvalid
from apps.scheduling.models import Host, Inventory
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.services import topologies
from apps.workflow import states as workflow

_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}")


@transaction.atomic
def register(
    *,
    name: str,
    facts: dict[str, Any],
    vcpus: int,
    ram_mib: int,
    disk_gib: int | None,
    agent_url: str,
    shares_disk: bool = False,
) -> Host:
    """Create or refresh a host and its inventory. RAM in MiB, disk in GiB; ``facts`` are Host's fields.

    ``shares_disk``: ``disk_gib`` is one pool of all hosts, of which this one has what servers elsewhere do not claim;
    None while nobody knows: what was known stays.

    Raises HostNameInvalid (400) for a new host whose queue would be another host's queue of long steps, and
    DedicatedCpusHeld (409) for one whose dedicated processors lack some that servers have.
    """
    locks.host_numbers()
    host = Host.objects.filter(name=name).first()
    if host is None:
        if name.endswith(workflow.LONG):
            raise HostNameInvalid(host=name, ending=workflow.LONG)
        last = Host.objects.order_by("-number").values_list("number", flat=True).first() or 0
        host = Host(name=name, number=last + 1, zone=settings.DEFAULT_ZONE)
    elif "topology" in facts:
        topologies.check_dedicated(host=host, topology=facts["topology"])
    values = {**facts, "agent_url": agent_url}
    for key, value in values.items():
        setattr(host, key, value)
    # For a known host, only the agent's columns are written: an operator may be disabling it concurrently.
    host.save(force_insert=True) if host._state.adding else host.save(update_fields=list(values))
    heartbeat(names=[name], uptime=host.uptime)
    if shares_disk and disk_gib is not None:
        disk_gib = max(disk_gib - _claimed_elsewhere(name), 0)
    _report(host, vcpus, ram_mib, disk_gib)
    return host


def _report(host: Host, vcpus: int, ram_mib: int, disk_gib: int | None) -> None:
    totals = {"vcpus": vcpus, "ram_mib": ram_mib} | ({} if disk_gib is None else {"disk_gib": disk_gib})
    ratios = {
        "vcpus_ratio": settings.ALLOCATION_RATIOS["vcpus"],
        "ram_ratio": settings.ALLOCATION_RATIOS["ram_mib"],
        "disk_ratio": settings.ALLOCATION_RATIOS["disk_gib"],
        "ram_reserved": min(settings.RESERVED_RAM_MIB, ram_mib // 2),
    }
    Inventory.objects.update_or_create(host=host, defaults=totals, create_defaults={"disk_gib": 0, **totals, **ratios})


def _claimed_elsewhere(name: str) -> int:
    """Return the GiB that other hosts' servers take of the one disk, as far as their ratios count."""
    rows = Inventory.objects.exclude(host__name=name).values_list("disk_used", "disk_ratio")
    return sum(math.ceil(used / ratio) for used, ratio in rows)


def heartbeat(*, names: Sequence[str], running: dict[str, int] | None = None, uptime: str = "") -> int:
    """Note that the agents of ``names`` are alive. Returns how many hosts are known."""
    silence = timedelta(seconds=settings.HOST_DOWN_SECONDS)
    chain = Case(When(heartbeat_at__lt=Now() - silence, then=Now()), default=F("heard_since"))
    # The database's clock: agents' may differ, and a host is fenced by it.
    rows = Host.objects.filter(name__in=list(names))
    updated = rows.update(heard_since=chain, heartbeat_at=Now(), uptime=uptime[:255])
    for name, count in (running or {}).items():
        Host.objects.filter(name=name).exclude(running_servers=count).update(running_servers=count)
    return int(updated)


def set_traits(*, name: str, traits: Iterable[str]) -> Host:
    """Give a host exactly these operator's traits (CUSTOM_*); traits reported by its agent are not changed.

    Raises TraitInvalid (400), HostNotFound (404).
    """
    wanted = sorted(set(traits))
    for trait in wanted:
        if not _CUSTOM.fullmatch(trait):
            raise TraitInvalid(trait=trait[:64])
    host = selectors.get(name=name)
    host.custom_traits = wanted
    host.save(update_fields=["custom_traits"])
    return host


def update(
    *, name: str, enabled: bool | None = None, reason: str | None = None, forced_down: bool | None = None
) -> Host:
    """Enable, disable with a reason, or force down. Raises HostNotFound (404).

    The servers of a host that is forced down restart elsewhere, as far as they are to do that by themselves.
    Unchanged values are not written, so that two concurrent operators do not undo each other's changes.
    """
    host = selectors.get(name=name)
    changes: dict[str, Any] = {}
    if enabled is not None:
        changes |= {"enabled": enabled, "disabled_reason": "" if enabled else (reason or "")}
        if enabled:
            changes["draining_since"] = None
    elif reason is not None:
        changes["disabled_reason"] = reason
    if forced_down is not None:
        changes["forced_down"] = forced_down
        if forced_down != host.forced_down:
            now = timezone.now() if forced_down else None
            changes |= {"evacuating_since": now, "evacuates_all": False, "forced_down_at": now}
    for key, value in changes.items():
        setattr(host, key, value)
    host.save(update_fields=list(changes))
    return host


@transaction.atomic
def forget_wanted_image(*, name: str, image_id: uuid.UUID) -> None:
    """The host's cache has the image, or cannot get it."""
    for host in locks.hosts(Host.objects.filter(name=name)):
        host.wanted_images = [key for key in host.wanted_images if key != image_id]
        host.save(update_fields=["wanted_images"])


def evacuate(*, name: str) -> Host:
    """Have all servers of a dead host made again elsewhere. Asked again, what failed is tried again.

    Raises HostNotFound (404), HostNotDead (409) for one that no operator has forced down, or that is heard since.
    """
    host = selectors.get(name=name)
    if not host.forced_down or host.is_back:
        raise HostNotDead(host=name)
    host.evacuating_since, host.evacuates_all = timezone.now(), True
    host.save(update_fields=["evacuating_since", "evacuates_all"])
    return host


def drain(*, name: str, reason: str) -> Host:
    """Disable a host and have its servers moved to others from now on, until it is enabled again.

    Asked again, what could not be moved is tried again. Raises HostNotFound (404).
    """
    host = selectors.get(name=name)
    host.enabled, host.disabled_reason, host.draining_since = False, reason, timezone.now()
    host.save(update_fields=["enabled", "disabled_reason", "draining_since"])
    return host
