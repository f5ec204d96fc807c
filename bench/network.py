"""`python -m bench.network`: how fast OVN follows the network engine, and what its daemons take.

Rows become specs within milliseconds (`make bench`), and hosts wait for OVN: the cloud's API has no part in it.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench import usage
from bench.network_machine import (
    DEADLINE_SECONDS,
    Machine,
    cable,
    group,
    guest_namespace,
    machine,
    network,
    port,
    run,
)
from deploy.private import ovn
from workers.drivers.network.base import SubnetSpec
from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.network.base.l3 import FloatingIPSpec, RouterGateway, RouterInterface, RouterSpec
from workers.drivers.network.base.rules import GroupSpec, RuleSpec

TCP, ECHO = 6, 7
SENDER = """
import socket, sys, time
s, block, sent = socket.create_connection((sys.argv[1], 7), timeout=10), bytes(262144), 0
begin = time.monotonic()
while time.monotonic() - begin < float(sys.argv[2]):
    s.sendall(block); sent += len(block)
s.shutdown(socket.SHUT_WR); s.recv(1)
print(sent * 8 / (time.monotonic() - begin) / 1e6)
"""
SINK = """
import socket
s = socket.create_server(("", 7)); print("ready", flush=True)
while True:
    c, _ = s.accept(); b = bytearray(1 << 20)
    while c.recv_into(b): pass
    c.close()
"""


def _plugging(machine: Machine, turns: int) -> dict[str, list[float]]:
    """A port is written, its guest plugged, until traffic passes (what `spawn` waits for)."""
    net, times = network(), []
    machine.engine.l2.ensure_network(net)
    for number in range(turns):
        item = port(net, number)
        machine.guest(item)
        machine.engine.l2.ensure_ports(net, [item])
        began = time.perf_counter()
        machine.plug(item)
        machine.driver.wait_until_up({item.id: ()}, DEADLINE_SECONDS)
        times.append(time.perf_counter() - began)
    return {"port plugged to up": times}


def _floating_ips(machine: Machine, turns: int) -> dict[str, list[float]]:
    """A floating IP is written, until a ping of a machine that asks for it then is answered."""
    net, item = network(), None
    item = port(net, 0)
    public = NetworkSpec(
        str(uuid.uuid4()),
        subnets=(SubnetSpec(str(uuid.uuid4()), "198.19.0.0/24", "198.19.0.1", dhcp_enabled=False),),
        physical_network="public",
    )
    inside = RouterInterface(str(uuid.uuid4()), net.id, "fa:16:3e:0c:00:01", ("10.9.0.1/16",))
    outside = RouterInterface(str(uuid.uuid4()), public.id, "fa:16:3e:0c:00:02", ("198.19.0.2/24",))
    router = RouterSpec(str(uuid.uuid4()), (inside,), RouterGateway(outside, ("198.19.0.1",), hosts=("bench",)))
    machine.guest(item)
    machine.engine.l2.ensure_ports(net, [item])
    machine.plug(item)
    machine.engine.l2.ensure_network(public)
    machine.engine.l3.ensure_router(router)
    machine.settle()
    times = []
    for number in range(turns):
        ip = f"198.19.0.{10 + number}"
        began = time.perf_counter()
        machine.engine.l3.ensure_floating_ips([FloatingIPSpec(made := str(uuid.uuid4()), router.id, ip, "10.9.1.1")])
        _wait(lambda ip=ip: _pings_anew(ip), f"a ping of {ip}")  # type: ignore[misc]
        times.append(time.perf_counter() - began)
        machine.engine.l3.remove_floating_ips([made])
    return {"floating IP to first ping": times}


def _rules(machine: Machine, turns: int, ports: int) -> dict[str, list[float]]:
    """With many ports on the host: a rule opens and closes a group of all; then 50 groups of 20 rules are written."""
    net, shared = network(), group(RuleSpec("egress"))
    machine.engine.rules.ensure_groups([shared])
    items = [port(net, number, groups=(shared.id,)) for number in range(ports)]
    machine.engine.l2.ensure_ports(net, items)
    served, asking, *others = items
    machine.plug_dummies(others)
    server, client = machine.guest(served), machine.guest(asking)
    machine.plug(served, asking)
    machine.driver.wait_until_up({served.id: (), asking.id: ()}, DEADLINE_SECONDS)
    ip = served.fixed_ips[0].ip
    opened: list[float] = []
    closed: list[float] = []
    many: list[float] = []
    opening = replace(shared, rules=(*shared.rules, RuleSpec("ingress", 4, TCP, ECHO, ECHO)))
    with _program(server, SINK):
        for _ in range(turns):
            for spec, is_open, times in ((opening, True, opened), (shared, False, closed)):
                began = time.perf_counter()
                machine.engine.rules.ensure_groups([spec])
                _wait(lambda is_open=is_open: _connects(client, ip) == is_open, "a rule's effect")  # type: ignore[misc]
                times.append(time.perf_counter() - began)
        for turn in range(3):
            groups = [_wide(number, turn) for number in range(50)]
            members = [replace(item, groups=(groups[number % 50].id,)) for number, item in enumerate(items)]
            began = time.perf_counter()
            machine.engine.rules.ensure_groups(groups)
            machine.engine.l2.ensure_ports(net, members)
            _wait(lambda: _connects(client, ip), "a group's effect")
            machine.settle()
            many.append(time.perf_counter() - began)
            machine.engine.l2.ensure_ports(net, items)
            machine.engine.rules.remove_groups([item.id for item in groups])
            machine.settle()
    return {
        f"rule opens a group of {ports} ports": opened,
        f"rule closes a group of {ports} ports": closed,
        f"50 groups of 20 rules on {ports} ports": many,
    }


def _wide(number: int, turn: int) -> GroupSpec:
    """A group of 20 rules with different ranges: nothing is merged."""
    ranges = (f"10.{turn + 100}.{number}.{part * 8}/29" for part in range(18))
    rules = [RuleSpec("ingress", 4, TCP, 1000 + part, 1000 + part, text) for part, text in enumerate(ranges)]
    return group(RuleSpec("egress"), RuleSpec("ingress", 4, TCP, ECHO, ECHO), *rules)


def _throughput(machine: Machine, seconds: float) -> float:
    """Return Mbit/s of TCP from guest to guest on the machine."""
    net = network()
    source, target = port(net, 0), port(net, 1)
    machine.engine.l2.ensure_ports(net, [source, target])
    first, second = machine.guest(source), machine.guest(target)
    machine.plug(source, target)
    machine.driver.wait_until_up({source.id: (), target.id: ()}, DEADLINE_SECONDS)
    _wait(lambda: _in(first, lambda: _pings(target.fixed_ips[0].ip)), "a ping between guests")
    return _send(first, second, target.fixed_ips[0].ip, seconds)


def _bridge(seconds: float) -> float:
    """Return the same over a bridge of the kernel, as hosts had before OVN."""
    with ExitStack() as stack, ovn.namespace():
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "link", "set", "br0", "up")
        guests = []
        for number in (1, 2):
            inside = guest_namespace(stack)
            cable(f"tap{number}", inside)
            run("ip", "link", "set", f"tap{number}", "master", "br0")
            with ovn.namespace(inside):
                run("ip", "address", "add", f"10.9.1.{number}/16", "dev", "eth0")
                run("ip", "link", "set", "eth0", "mtu", "1442", "up")
            guests.append(inside)
        _wait(lambda: _in(guests[0], lambda: _pings("10.9.1.2")), "a ping over the bridge")
        return _send(guests[0], guests[1], "10.9.1.2", seconds)


def _send(source: int, target: int, ip: str, seconds: float) -> float:
    with _program(target, SINK):
        return float(_in(source, lambda: run(sys.executable, "-c", SENDER, ip, str(seconds))))


def _in(inside: int, work: Callable[[], Any]) -> Any:
    with ovn.namespace(inside):
        return work()


@contextmanager
def _program(inside: int, script: str) -> Iterator[None]:
    with ovn.namespace(inside):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def _connects(inside: int, ip: str) -> bool:
    with ovn.namespace(inside), socket.socket() as client:
        client.settimeout(0.05)
        return client.connect_ex((ip, ECHO)) == 0


def _pings(ip: str) -> bool:
    done = subprocess.run(["ping", "-c1", "-W0.1", ip], check=False, capture_output=True)
    return done.returncode == 0


def _pings_anew(ip: str) -> bool:
    """Ping as a machine that never asked for the address: one whose first question was lost asks again after 1 s."""
    if answered := _pings(ip):
        return answered
    subprocess.run(["ip", "neigh", "flush", "to", ip], check=False, capture_output=True)
    return False


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.002)


def measure(parts: Sequence[str], turns: int, ports: int) -> dict[str, Any]:
    """Return what was measured: seconds by what, MiB, Mbit/s."""
    results: dict[str, Any] = {"additions_s": usage.additions(), "load": os.getloadavg()}
    seconds: dict[str, list[float]] = {}
    if "plug" in parts:
        with machine() as here:
            seconds |= _plugging(here, turns)
            seconds |= _floating_ips(here, turns)
    if "rules" in parts:
        with machine() as here:
            seconds |= _rules(here, turns, ports)
    if "memory" in parts:
        with machine() as here:
            _plugging(here, 10)
            results["memory_mib"] = here.memory_mib()
    if "tcp" in parts:
        rates: dict[str, list[float]] = {"bridge": [], "single-host": [], "multi-host": []}
        for _ in range(3):
            rates["bridge"].append(_bridge(3))
            for mode in ("single-host", "multi-host"):
                with machine(segmentation=mode == "single-host") as here:
                    rates[mode].append(_throughput(here, 3))
        results["tcp_mbit_s"] = rates
    return {**results, "seconds": seconds}


def show(results: dict[str, Any]) -> None:
    """Print a line for each figure: median, 95th percentile, and the extremes."""
    for name, values in results["seconds"].items():
        p95 = quantiles(values, n=20)[18] if len(values) > 2 else max(values)
        spread = f"{min(values) * 1000:.0f} to {max(values) * 1000:.0f}"
        print(f"{name:45} {median(values) * 1000:7.0f} ms   p95 {p95 * 1000:7.0f} ms   {spread} ms, n={len(values)}")
    for name, rates in results.get("tcp_mbit_s", {}).items():
        print(f"TCP from guest to guest, {name:20} {median(rates):7.0f} Mbit/s   {min(rates):.0f} to {max(rates):.0f}")
    if memory := results.get("memory_mib"):
        print(f"OVN's daemons with 10 ports: {sum(memory.values()):.1f} MiB: {memory}")
    print(f"Ten million additions: {results['additions_s']} s; load {results['load']}")


def main(arguments: list[str]) -> int:
    made = argparse.ArgumentParser(prog="python -m bench.network", description=__doc__)
    made.add_argument("parts", nargs="*", default=["plug", "rules", "memory", "tcp"])
    made.add_argument("--turns", type=int, default=30)
    made.add_argument("--ports", type=int, default=500)
    made.add_argument("--output", type=Path)
    options = made.parse_args(arguments)
    results = measure(options.parts, options.turns, options.ports)
    show(results)
    if options.output:
        options.output.write_text(json.dumps(results, indent=1) + "\n")
    return 0
