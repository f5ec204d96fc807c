"""Taps: the hypervisor creates and removes them with the guest; this module handles leftover ones."""

from __future__ import annotations

from pathlib import Path

from workers.drivers.network.linux.bridge import netlink

_NET = Path("/sys/class/net")


def strays(bridge: str, known: set[str], *, remove: bool) -> list[str]:
    """Say which taps on a bridge are none of `known`, and remove them."""
    members = _NET / bridge / "brif"
    names = [item.name for item in members.iterdir()] if members.is_dir() else []
    orphans = [name for name in names if name not in known and (_NET / name / "tun_flags").exists()]
    for name in orphans if remove else ():
        delete(name)
    return [f"tap {name}" for name in orphans]


def delete(name: str) -> None:
    """Remove a tap that was left behind. Absent is success; an interface that is no tap is left alone."""
    if not (_NET / name / "tun_flags").exists():
        return
    with netlink() as route:
        for index in route.link_lookup(ifname=name):
            route.link("del", index=index)
