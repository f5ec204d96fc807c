"""Reading hosts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.common.pagination import MAX_LIMIT
from apps.scheduling.exceptions import HostNotFound
from apps.scheduling.models import Host
from apps.scheduling.models.hosts import alive_since

__all__ = ["MAX_LIMIT", "all_hosts", "get", "zones"]


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a host's agent was heard: whether the host counts as down, and seconds since the last heartbeat."""

    name: str
    agent_url: str
    silent_s: float
    is_down: bool


def all_hosts() -> QuerySet[Host]:
    return Host.objects.select_related("inventory").order_by("number")


def get(*, name: str) -> Host:
    """Raises HostNotFound (404)."""
    host = Host.objects.select_related("inventory").filter(name=name).first()
    if host is None:
        raise HostNotFound(host=name)
    return host


def names() -> list[str]:
    """Return the names of all hosts, in order. 1 query."""
    return list(Host.objects.order_by("name").values_list("name", flat=True))


def pulses() -> list[Pulse]:
    """Return how every host's agent was heard, in order of names. 1 query."""
    now, rows = timezone.now(), Host.objects.only("name", "agent_url", "heartbeat_at", "forced_down").order_by("name")
    return [
        Pulse(host.name, host.agent_url, (now - host.heartbeat_at).total_seconds(), is_down=not host.is_up)
        for host in rows
    ]


def names_up(*, names: Iterable[str] | None = None) -> set[str]:
    """Return the names of hosts whose agent is alive (of ``names``, or of all)."""
    hosts = Host.objects.all() if names is None else Host.objects.filter(name__in=list(names))
    return {host.name for host in hosts if host.is_up}


def addresses(*, names: Iterable[str]) -> dict[str, str]:
    """Return the addresses of hosts, by their names. 1 query."""
    return dict(Host.objects.filter(name__in=list(names)).values_list("name", "address"))


def agent_url(*, name: str) -> str:
    """Return where a host's agent answers; "" for an unknown host. 1 query."""
    return Host.objects.filter(name=name).values_list("agent_url", flat=True).first() or ""


def draining() -> list[Host]:
    """Return the hosts whose servers are moved away. 1 query."""
    return list(Host.objects.exclude(draining_since=None).order_by("name"))


def evacuating() -> list[Host]:
    """Return the dead hosts whose servers are made again elsewhere. 1 query."""
    return list(Host.objects.filter(forced_down=True).exclude(evacuating_since=None).order_by("name"))


@dataclass(frozen=True, slots=True)
class Hearing:
    """``silent``: hosts that were not heard for so long. ``heard``: how many were, all the time; of ``count`` hosts."""

    silent: list[str]
    heard: int
    count: int


def hearing(*, seconds: float) -> Hearing:
    """Return which hosts' agents were heard in the last seconds, by the database's clock. 1 query.

    Hosts that are forced down do not count, and no disabled ones: an operator may have switched them off.
    """
    since = Now() - timedelta(seconds=seconds)
    rows = list(
        Host.objects.filter(enabled=True, forced_down=False)
        .annotate(is_silent=Q(heartbeat_at__lt=since), is_heard=Q(heard_since__lte=since))
        .order_by("name")
        .values_list("name", "is_silent", "is_heard")
    )
    return Hearing(
        silent=[name for name, is_silent, _ in rows if is_silent],
        heard=sum(1 for _, is_silent, is_heard in rows if is_heard and not is_silent),
        count=len(rows),
    )


def are_silent_together(*, seconds: float) -> bool:
    """Return whether no host is up, though some counted as up in the last ``seconds`` (``inf``: ever): a database that
    was away heard none of them. 1 query.
    """
    last = Host.objects.filter(enabled=True, forced_down=False).aggregate(last=Max("heartbeat_at"))["last"]
    return last is not None and 0 < (alive_since() - last).total_seconds() <= seconds


def is_silent(*, name: str, seconds: float) -> bool:
    """Return whether a host's agent was not heard for so long. 1 query."""
    return Host.objects.filter(name=name, heartbeat_at__lt=Now() - timedelta(seconds=seconds)).exists()


def is_dead(*, name: str) -> bool:
    """Return whether an operator has declared a host dead that was not heard since. 1 query."""
    host = Host.objects.filter(name=name).first()
    return host is not None and host.forced_down and not host.is_back


def is_forced_down(*, name: str) -> bool:
    """Return whether an operator has declared a host dead. 1 query."""
    return Host.objects.filter(name=name, forced_down=True).exists()


def is_up(name: str) -> bool:
    """Return whether a host's agent is alive."""
    return name in names_up(names=[name])


def status_of(*, names: Iterable[str]) -> dict[str, str]:
    """Return host -> UP, DOWN, MAINTENANCE or UNKNOWN, as Nova's host_status: DOWN is what an operator says."""
    rows = Host.objects.filter(name__in=list(names))
    alive = {True: "UP", False: "UNKNOWN"}
    return {
        row.name: "DOWN" if row.forced_down else "MAINTENANCE" if not row.enabled else alive[row.is_up] for row in rows
    }


def zones() -> dict[str, list[Host]]:
    """Return availability zone -> its hosts."""
    by_zone: dict[str, list[Host]] = {}
    for host in Host.objects.order_by("zone", "name"):
        by_zone.setdefault(host.zone, []).append(host)
    return by_zone


def zone_exists(*, zone: str) -> bool:
    return Host.objects.filter(zone=zone).exists()
