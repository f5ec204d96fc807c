"""Availability zones of networks and routers: those of the hosts."""

from collections.abc import Iterable

from apps.networking import exceptions
from apps.scheduling.selectors import hosts

RESOURCES = ("network", "router")


def everything() -> list[dict[str, str]]:
    """Return each zone for each kind of resource, available while one of its hosts is up. 1 query."""
    states = {
        zone: "available" if any(host.is_up for host in members) else "unavailable"
        for zone, members in hosts.zones().items()
    }
    return [
        {"name": zone, "resource": resource, "state": state} for zone, state in states.items() for resource in RESOURCES
    ]


def check(hints: Iterable[str]) -> None:
    """Refuse hints that name no zone. Raises ZoneNotFound (404)."""
    wanted = list(hints)
    known = set(hosts.zones()) if wanted else set()
    for zone in wanted:
        if zone not in known:
            raise exceptions.ZoneNotFound(zone=zone)


def check_all(hints: Iterable[str]) -> None:
    """Refuse hints that leave a zone out: gateways of routers are on hosts of every zone.

    Raises ZoneNotFound (404) and InvalidInput (400).
    """
    wanted = set(hints)
    check(sorted(wanted))
    left_out = set(hosts.zones()) - wanted if wanted else set()
    if left_out:
        named = ", ".join(sorted(left_out)[:5])
        raise exceptions.InvalidInput(
            reason=f"availability_zone_hints: gateways of routers are on hosts of every zone, also of {named}"
        )
