"""Network namespaces that are plugged into a network as guests would be, and what they reach."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.drivers.network.base import NetworkSpec, PortSpec

LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
[ -n "$router" ] && ip route add default via $router
set -- $staticroutes
while [ $# -ge 2 ]; do
    [ "$1" = 169.254.169.254/32 ] && ip route add $1 dev $interface
    shift 2
done
env > $OUT
"""


@contextmanager
def guest(network: NetworkSpec, port: PortSpec) -> Iterator[str]:
    """A network namespace that is plugged in as a guest would be; gives its name."""
    name = port.tap
    commands = [
        f"ip netns add {name}",
        f"ip link add {port.tap} type veth peer name eth0 netns {name}",
        f"ip link set {port.tap} master {network.bridge} up",
        f"ip -n {name} link set eth0 address {port.mac} up",
        f"ip -n {name} link set lo up",
    ]
    try:
        for command in commands:
            subprocess.run(command.split(), check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)
        subprocess.run(["ip", "link", "del", port.tap], check=False, capture_output=True)


def ask_for_lease(name: str, directory: Path, card: str = "eth0") -> dict[str, str]:
    """The values that DHCP gives a guest, by udhcpc's names; empty without an answer."""
    script, told = directory / f"{name}.sh", directory / f"{name}-{card}.out"
    script.write_text(LEASE_SCRIPT)
    script.chmod(0o755)
    command = ["ip", "netns", "exec", name, "busybox", "udhcpc", "-i", card, "-n", "-q", "-t", "4", "-T", "1", "-f"]
    options = ["-s", str(script), "-O", "staticroutes", "-O", "mtu", "-x", "hostname:x"]
    subprocess.run([*command, *options], check=False, capture_output=True, env={**os.environ, "OUT": str(told)})
    text = told.read_text() if told.exists() else ""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def reaches(name: str, address: str, port: int | None = None) -> bool:
    check = ["busybox", "ping", "-c1", "-W1", address]
    if port is not None:
        check = ["busybox", "nc", "-w", "1", address, str(port), "-e", "true"]
    return subprocess.run(["ip", "netns", "exec", name, *check], check=False, capture_output=True).returncode == 0


def answers_names(name: str, gateway: str, domain: str) -> bool:
    """Return whether the DNS server at an address answers a guest's query about its own domain."""
    command = ["ip", "netns", "exec", name, "timeout", "2", "busybox", "nslookup", f"nobody.{domain}.", gateway]
    return b"NXDOMAIN" in subprocess.run(command, check=False, capture_output=True).stdout
