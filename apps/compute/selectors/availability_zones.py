"""Availability zones: the names that hosts are grouped under."""

from dataclasses import dataclass
from typing import Any

from apps.scheduling.selectors import hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """``available``: at least one of its hosts takes servers."""

    name: str
    available: bool
    hosts: list[Any]


def everything() -> list[Zone]:
    """Return all zones by name. 1 query."""
    return [
        Zone(name=name, available=any(host.enabled for host in members), hosts=members)
        for name, members in hosts.zones().items()
    ]
