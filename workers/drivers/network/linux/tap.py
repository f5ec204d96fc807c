"""Taps: made by the hypervisor with the guest, gone with it; here only what to do with one that stayed."""

from __future__ import annotations

from pathlib import Path

from workers.drivers.network.linux.bridge import netlink

_NET = Path("/sys/class/net")


def tidy(bridge: str, known: set[str]) -> list[str]:
    """Remove the taps on a bridge that are none of `known`; say which."""
    members = _NET / bridge / "brif"
    names = [item.name for item in members.iterdir()] if members.is_dir() else []
    strays = [name for name in names if name not in known and (_NET / name / "tun_flags").exists()]
    for name in strays:
        remove(name)
    return [f"tap {name}" for name in strays]


def remove(name: str) -> None:
    """Remove a tap that was left behind. Absent is success; an interface that is no tap is left alone."""
    if not (_NET / name / "tun_flags").exists():
        return
    with netlink() as route:
        for index in route.link_lookup(ifname=name):
            route.link("del", index=index)
