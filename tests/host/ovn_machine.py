"""What tests of a machine under OVN (`deploy.private.ovn`) ask of it, and cables between such machines."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

MARKS = [
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: bridges, a network namespace"),
    pytest.mark.skipif(not Path("/usr/sbin/ovs-vswitchd").exists(), reason="needs Open vSwitch and OVN"),
]


def devices() -> set[str]:
    links = subprocess.run(["ip", "-json", "link", "show"], capture_output=True, text=True, check=True).stdout
    return {link["ifname"] for link in json.loads(links)}


def tables() -> str:
    return subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout


def cable(name: str, namespace_fd: int, peer: str) -> None:
    """Lay a cable from here into another network namespace."""
    there = ("peer", "name", peer, "netns", f"/proc/{os.getpid()}/fd/{namespace_fd}")
    subprocess.run(["ip", "link", "add", name, "type", "veth", *there], check=True)
    subprocess.run(["ip", "link", "set", name, "up"], check=True)


def address(device: str, text: str, via: str = "") -> None:
    subprocess.run(["ip", "address", "add", text, "dev", device], check=True)
    subprocess.run(["ip", "link", "set", device, "up"], check=True)
    if via:
        subprocess.run(["ip", "route", "add", "default", "via", via], check=True)


def pings(target: str) -> bool:
    return subprocess.run(["ping", "-c", "1", "-W", "2", target], check=False, capture_output=True).returncode == 0


def connects(target: str, port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1.5)
        return client.connect_ex((target, port)) == 0
