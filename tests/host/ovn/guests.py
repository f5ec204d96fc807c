"""Network namespaces that are plugged into a switch as guests would be, and what they reach."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.host.drivers.plugged import ask_for_lease
from tests.host.ovn.daemons import Host, command
from workers.drivers.network.base.l2 import PortSpec


@dataclass(frozen=True, slots=True)
class Guest:
    """A namespace whose card eth0 is plugged in as a port; or a host's own, as the world outside."""

    netns: str

    def run(self, *argv: str, timeout_s: float = 20) -> subprocess.CompletedProcess[str]:
        whole = ["ip", "netns", "exec", self.netns, *argv]
        return subprocess.run(whole, check=False, capture_output=True, text=True, timeout=timeout_s)

    def lease(self, directory: Path, card: str = "eth0") -> dict[str, str]:
        """What DHCP tells the guest, which then has its address."""
        return ask_for_lease(self.netns, directory, card)

    def pings(self, address: str) -> bool:
        return self.run("busybox", "ping", "-c1", "-W2", address).returncode == 0

    def asks(self, server: str, name: str, *, pointer: bool = False) -> bytes:
        """The answer of a name server to one question, as it came; empty when none came within a second."""
        script = (
            "import socket, struct, sys\n"
            f"name = b''.join(bytes([len(p)]) + p.encode() for p in {name!r}.split('.')) + b'\\0'\n"
            f"q = struct.pack('!6H', 7, 0x100, 1, 0, 0, 0) + name + struct.pack('!2H', {12 if pointer else 1}, 1)\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\n"
            f"s.sendto(q, ({server!r}, 53))\n"
            "try: sys.stdout.buffer.write(s.recv(4096)[len(q):])\n"
            "except TimeoutError: pass\n"
        )
        argv = ["ip", "netns", "exec", self.netns, "python3", "-c", script]
        return subprocess.run(argv, check=True, capture_output=True, timeout=30).stdout

    def sends(self, address: str, data: bytes, port: int = 7777) -> bytes:
        """Send data by TCP to a guest that echoes, and give what came back."""
        script = (
            "import socket, sys\n"
            f"s = socket.create_connection(({address!r}, {port}), timeout=10)\n"
            "s.sendall(sys.stdin.buffer.read()); s.shutdown(socket.SHUT_WR)\n"
            "while chunk := s.recv(65536): sys.stdout.buffer.write(chunk)\n"
        )
        argv = ["ip", "netns", "exec", self.netns, "python3", "-c", script]
        return subprocess.run(argv, input=data, check=True, capture_output=True, timeout=30).stdout

    def sends_datagram(self, address: str, data: bytes, port: int) -> bytes:
        """The answer to one datagram; empty when none came within two seconds."""
        script = (
            "import socket, sys\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)\n"
            f"s.connect(({address!r}, {port})); s.send(sys.stdin.buffer.read())\n"
            "try: sys.stdout.buffer.write(s.recv(65536))\n"
            "except OSError: pass\n"
        )
        argv = ["ip", "netns", "exec", self.netns, "python3", "-c", script]
        return subprocess.run(argv, input=data, check=True, capture_output=True, timeout=30).stdout

    def seconds_to_send(self, address: str, size: int, port: int = 7777) -> float:
        """How long TCP takes to send so many bytes to a sink."""
        script = (
            "import socket, time\n"
            f"s = socket.create_connection(({address!r}, {port}), timeout=20); begin = time.monotonic()\n"
            f"s.sendall(bytes({size})); s.shutdown(socket.SHUT_WR); s.recv(1)\n"
            "print(time.monotonic() - begin)\n"
        )
        return float(command("ip", "netns", "exec", self.netns, "python3", "-c", script))

    def connects(self, address: str, port: int) -> bool:
        """Whether a TCP connection to an address comes about within a second."""
        script = f"import socket; socket.create_connection(({address!r}, {port}), timeout=1)"
        return self.run("python3", "-c", script).returncode == 0


@contextmanager
def guest(host: Host, port: PortSpec) -> Iterator[Guest]:
    """A guest on a host, plugged as libvirt does it: the interface carries the port's ID."""
    name = f"g{port.id[:8]}"
    command("ip", "netns", "add", name)
    try:
        command("ip", "link", "add", name, "netns", host.name, "type", "veth", "peer", "name", "eth0", "netns", name)
        command("ip", "-n", name, "link", "set", "eth0", "address", port.mac, "mtu", "1442", "up")
        command("ip", "-n", name, "link", "set", "lo", "up")
        command("ip", "-n", host.name, "link", "set", name, "up")
        ids = (f"external_ids:iface-id={port.id}", f"external_ids:attached-mac={port.mac}")
        host.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, *ids)
        yield Guest(name)
    finally:
        host.vsctl("--if-exists", "del-port", "br-int", name)
        command("ip", "netns", "del", name)


@contextmanager
def echo_server(of: Guest, port: int = 7777, greeting: bytes = b"") -> Iterator[None]:
    """A TCP server in the guest that sends back all that it gets, behind a greeting."""
    script = (
        "import socket\n"
        f"s = socket.create_server(('', {port})); print('ready', flush=True)\n"
        "while True:\n"
        "    c, _ = s.accept(); data = GREETING\n"
        "    while chunk := c.recv(65536): data += chunk\n"
        "    c.sendall(data); c.close()\n"
    )
    with _server(of, script.replace("GREETING", repr(greeting))):
        yield


@contextmanager
def sink(of: Guest, port: int = 7777) -> Iterator[None]:
    """A TCP server in the guest that reads all that it gets, and sends nothing."""
    script = (
        "import socket\n"
        f"s = socket.create_server(('', {port})); print('ready', flush=True)\n"
        "while True:\n"
        "    c, _ = s.accept()\n"
        "    while c.recv(65536): pass\n"
        "    c.close()\n"
    )
    with _server(of, script):
        yield


@contextmanager
def udp_echo_server(of: Guest, port: int) -> Iterator[None]:
    """A server in the guest that sends datagrams back."""
    script = (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"s.bind(('', {port})); print('ready', flush=True)\n"
        "while True: s.sendto(*s.recvfrom(65536))\n"
    )
    with _server(of, script):
        yield


@contextmanager
def tos_mirror(of: Guest, port: int) -> Iterator[None]:
    """A server in the guest that answers each datagram with the TOS byte of its header."""
    script = (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)\n"
        f"s.bind(('', {port})); print('ready', flush=True)\n"
        "while True:\n"
        "    _, extra, _, client = s.recvmsg(99, 99); s.sendto(extra[0][2], client)\n"
    )
    with _server(of, script.replace("socket.IP_RECVTOS", "13")):
        yield


@contextmanager
def vlan_card(of: Guest, tag: int, mac: str) -> Iterator[None]:
    """A card eth0.<tag> in the guest for the frames with a tag."""
    with _running(of, str(Path(__file__).with_name("vlan_card.py")), "eth0", str(tag), mac):
        yield


@contextmanager
def mirror(of: Guest, port: int = 7778) -> Iterator[None]:
    """A TCP server that answers with the client's address."""
    script = (
        "import socket\n"
        f"s = socket.create_server(('', {port})); print('ready', flush=True)\n"
        "while True:\n"
        "    c, a = s.accept(); c.sendall(a[0].encode()); c.close()\n"
    )
    with _server(of, script):
        yield


@contextmanager
def _server(of: Guest, script: str) -> Iterator[None]:
    with _running(of, "-c", script):
        yield


@contextmanager
def _running(of: Guest, *python: str) -> Iterator[None]:
    """A Python program in the guest, as soon as it says that it is ready."""
    argv = ["ip", "netns", "exec", of.netns, "python3", *python]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            server.kill()


@dataclass(slots=True)
class Pings:
    """The result of a series of pings."""

    sent: int = 0
    received: int = 0


@contextmanager
def pinging(of: Guest, address: str) -> Iterator[Pings]:
    """Ping an address twenty times a second for the block."""
    pings = Pings()
    argv = ["ip", "netns", "exec", of.netns, "ping", "-i", "0.05", address]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield pings
        process.send_signal(signal.SIGINT)
        summary = re.search(r"(\d+) packets transmitted, (\d+) received", process.stdout.read())
    assert summary is not None
    pings.sent, pings.received = int(summary[1]), int(summary[2])
