"""Network namespaces that are plugged into a network as guests would be, and what they reach."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
[ -n "$router" ] && ip route add default via $router
set -- $staticroutes
while [ $# -ge 2 ]; do
    [ "$1" = 169.254.169.254/32 ] && ip route add $1 via $2 dev $interface
    shift 2
done
env > $OUT
"""


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
