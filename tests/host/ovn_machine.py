"""A machine under OVN in a network namespace: its settings, its supervised daemons, and queries."""

import ctypes
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import processes, secrets
from deploy.environment import DEFAULTS, Environment
from deploy.ovn import daemons, places, removal, startup
from deploy.supervision import config, orphans, programs
from deploy.supervision.client import Supervisor

MARKS = [
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: bridges, a network namespace"),
    pytest.mark.skipif(not Path("/usr/sbin/ovs-vswitchd").exists(), reason="needs Open vSwitch and OVN"),
]
CLONE_NEWNET = 0x40000000


@contextmanager
def namespace(existing: int | None = None) -> Iterator[int]:
    """Put this thread, and what it starts meanwhile, into a network namespace: a new one, or that of a descriptor.

    Names of bridges are taken once per namespace, so every host of these tests has its own.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    done = libc.unshare(CLONE_NEWNET) if existing is None else libc.setns(existing, CLONE_NEWNET)
    assert done == 0, os.strerror(ctypes.get_errno())
    inside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield inside
    finally:
        assert libc.setns(before, CLONE_NEWNET) == 0
        os.close(before)
        os.close(inside)


def make_environment(state: Path, host: str, **changed: str) -> Environment:
    values = {**DEFAULTS, **secrets.generate(), "CELERITY_NETWORK_DRIVER": "ovn", "CELERITY_HOST": host, **changed}
    state.chmod(0o755)
    environment = Environment(state, values)
    environment.run.mkdir()
    environment.log.mkdir()
    secrets.write_private(environment.file, "".join(f"{name}={value}\n" for name, value in values.items()))
    return environment


@contextmanager
def supervised(environment: Environment) -> Iterator[Supervisor]:
    """A supervisor whose programs are gone afterwards, with what they left."""
    supervisor = Supervisor(environment)
    try:
        yield supervisor
    finally:
        supervisor.shut_down()
        processes.end(orphans.find(environment, None), 5)
        removal.remove(places.of(environment))


def up(environment: Environment, supervisor: Supervisor) -> None:
    startup.prepare(environment)
    supervisor.launch(config.render(environment, programs.network(environment)))
    startup.bring_up(environment, supervisor)
    here = places.of(environment)
    if here.central.exists():  # as the network worker does when it has written all rows
        marked = "external_ids:celerity-synchronised=true"
        places.run("ovn-nbctl", f"--db={here.northbound}", "--timeout=10", "set", "NB_Global", ".", marked)
        startup.wait_translated(environment, supervisor)


def down(supervisor: Supervisor) -> None:
    for names in daemons.STOPS:
        supervisor.stop(names)
    supervisor.shut_down()


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


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
