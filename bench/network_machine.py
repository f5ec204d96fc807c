"""What `bench.network` measures on: a machine under OVN in a network namespace, whose guests are namespaces too."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import uuid
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from deploy import testrun
from deploy.ovn import places
from deploy.private import ovn
from workers.drivers.network import loader
from workers.drivers.network.base import FixedIP, SubnetSpec
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.base.rules import GroupSpec, RuleSpec

DEADLINE_SECONDS = 60.0
SIOCETHTOOL, ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x8946, 0x17, 0x1F, 0x24


class Machine:
    """A machine under OVN in the namespace of this thread, its engine, and guests on its switch."""

    def __init__(self, state: Path, stack: ExitStack, *, segmentation: bool = True) -> None:
        (state / "machine").mkdir()
        mode = "single-host" if segmentation else "multi-host"
        settings = {"CELERITY_DATAPATH": "netdev", "CELERITY_NETDEV_OFFLOADS": mode}
        environment = ovn.make_environment(state / "machine", "bench", **settings)
        self._environment, self.stack, self._segmentation = environment, stack, segmentation
        self.places = places.of(environment)
        stack.enter_context(ovn.namespace())
        self.supervisor = stack.enter_context(ovn.supervised(environment))
        ovn.up(environment, self.supervisor)
        self.engine: NetworkEngine = loader.load_engine("ovn", {"northbound": self.places.northbound})
        self.driver = loader.load("ovn", {"switch": self.places.switch})
        stack.callback(self.engine.close)
        stack.callback(self.driver.close)

    def guest(self, port: PortSpec) -> int:
        """Make a guest's namespace with a card that is not plugged yet; return its descriptor."""
        inside = guest_namespace(self.stack)
        cable(tap_of(port), inside)
        with ovn.namespace(inside):
            run("ip", "link", "set", "eth0", "address", port.mac, "mtu", "1442", "up")
            run("ip", "address", "add", f"{port.fixed_ips[0].ip}/16", "dev", "eth0")
            run("ip", "route", "add", "default", "via", "10.9.0.1")
            if not self._segmentation:
                _finish_packets("eth0")
        return inside

    def plug(self, *ports: PortSpec) -> None:
        """Plug ports as libvirt does: the interface carries the port's id."""
        arguments: list[str] = []
        for port in ports:
            name, ids = tap_of(port), f"external_ids:iface-id={port.id}"
            arguments += ["--", "add-port", "br-int", name, "--", "set", "Interface", name, ids]
        places.vsctl(self.places, *arguments[1:])

    def plug_dummies(self, ports: Sequence[PortSpec]) -> None:
        """Plug ports without guests, and wait until all are programmed."""
        for port in ports:
            run("ip", "tuntap", "add", tap_of(port), "mode", "tap")
        for first in range(0, len(ports), 100):
            self.plug(*ports[first : first + 100])
        self.driver.wait_until_up({port.id: () for port in ports}, DEADLINE_SECONDS)

    def settle(self) -> None:
        """Wait until the host has programmed all that is written."""
        run("ovn-nbctl", f"--db={self.places.northbound}", "--timeout=120", "--wait=hv", "sync")

    def memory_mib(self) -> dict[str, float]:
        """Return the PSS of OVN's daemons."""
        pids = {name: record["pid"] for name, record in self.supervisor.states().items() if record["pid"]}
        return {name: _pss(pid) for name, pid in pids.items()}


def tap_of(port: PortSpec) -> str:
    return f"tap{port.id[:11]}"


def network() -> NetworkSpec:
    subnet = SubnetSpec(str(uuid.uuid4()), "10.9.0.0/16", "10.9.0.1", dns_nameservers=("10.9.0.1",))
    return NetworkSpec(str(uuid.uuid4()), subnets=(subnet,))


def port(of: NetworkSpec, number: int, **more: Any) -> PortSpec:
    ip = f"10.9.{1 + number // 250}.{1 + number % 250}"
    mac = f"fa:16:3e:0b:{number >> 8:02x}:{number & 255:02x}"
    return PortSpec(str(uuid.uuid4()), mac, (FixedIP(of.subnets[0].id, ip),), **more)


def group(*rules: RuleSpec, key: str = "") -> GroupSpec:
    return GroupSpec(key or str(uuid.uuid4()), rules=rules)


def guest_namespace(stack: ExitStack) -> int:
    with ovn.namespace() as made:
        inside = os.dup(made)
    stack.callback(os.close, inside)
    return inside


def cable(name: str, inside: int) -> None:
    there = ("peer", "name", "eth0", "netns", f"/proc/{os.getpid()}/fd/{inside}")
    run("ip", "link", "add", name, "type", "veth", *there)
    run("ip", "link", "set", name, "up")


def _finish_packets(device: str) -> None:
    """Have a card finish checksums and segments itself, as guests' do in multi-host mode."""
    with socket.socket() as any_socket:
        for what in (ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO):
            value = array("I", [what, 0])
            fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sQ", device.encode(), value.buffer_info()[0]))


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return round(sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024, 1)


@contextmanager
def machine(*, segmentation: bool = True) -> Iterator[Machine]:
    state = testrun.make_state()
    try:
        with ExitStack() as stack:
            yield Machine(state, stack, segmentation=segmentation)
    finally:
        shutil.rmtree(state, ignore_errors=True)
