"""How many tokens are issued and validated a second: ``python -m bench.identity``, and a part of ``make bench``.

A private cloud's API with PostgreSQL, and a client of raw sockets that are kept open. All of it shares this machine's
cores, so each line also says what a call cost the cloud in CPU time, and what that would give on two idle cores.
"""

import argparse
import json
import multiprocessing
import selectors
import socket
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench import report
from bench.private_cloud import PrivateCloud

CORES = 2
CLIENTS = 2


@dataclass
class Target:
    """One kind of call: what is sent, and the status that has to come back."""

    name: str
    request: bytes
    status: int


def _request(method: str, path: str, host: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """A kept connection with one call under way."""

    def __init__(self, address: tuple[str, int], target: Target) -> None:
        self.address, self.target, self.begin, self.got = address, target, 0.0, b""
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        made = socket.create_connection(self.address, timeout=30)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def send(self) -> None:
        self.begin, self.got = time.perf_counter(), b""
        self.socket.sendall(self.target.request)

    def receive(self) -> bool:
        """Take what has come; return whether the answer is whole. Raises RuntimeError for a wrong status."""
        part = self.socket.recv(65536)
        self.got += part
        head, end, body = self.got.partition(b"\r\n\r\n")
        if not part:
            raise RuntimeError(f"{self.target.name}: the connection was closed in an answer: {self.got[:200]!r}")
        if not end:
            return False
        if int(head[9:12]) != self.target.status:
            raise RuntimeError(f"{self.target.name}: {self.got[:300]!r}")
        lower = head.lower()
        length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]) if b"content-length:" in lower else 0
        return len(body) >= length

    @property
    def is_closing(self) -> bool:
        return b"connection: close" in self.got[:600].lower()

    def renew(self) -> None:
        self.socket.close()
        self.socket = self._connect()


def _client(address: tuple[str, int], target: Target, seconds: float, connections: int, results: Any) -> None:
    """Run in a separate process: its CPU time is not the cloud's."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    with selectors.EpollSelector() as waiting:
        for _ in range(connections):
            connection = Connection(address, target)
            connection.send()
            waiting.register(connection.socket, selectors.EVENT_READ, connection)
        while waiting.get_map():
            for key, _ in waiting.select(timeout=30):
                connection = key.data
                if not connection.receive():
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.begin)
                if now >= until or connection.is_closing:
                    waiting.unregister(connection.socket)
                if now >= until:
                    connection.socket.close()
                    continue
                if connection.is_closing:
                    connection.renew()
                    waiting.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send()
    results.put((latencies, time.process_time()))


def measure(cloud: PrivateCloud, target: Target, *, seconds: float, connections: int) -> dict[str, Any]:
    """Send one kind of call for some seconds. Latencies and CPU times are milliseconds."""
    parts = urlsplit(cloud.environment.public_url)
    address = (str(parts.hostname), int(parts.port or 80))
    results: Any = multiprocessing.Queue()
    before, begin = cloud.cpu(), time.perf_counter()
    arguments = (address, target, seconds, max(1, connections // CLIENTS), results)
    clients = [multiprocessing.Process(target=_client, args=arguments) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    reports = [results.get(timeout=seconds + 60) for _ in clients]
    wall, after = time.perf_counter() - begin, cloud.cpu()
    for client in clients:
        client.join()
    latencies = sorted(latency for part, _ in reports for latency in part)
    calls = len(latencies)
    spent = {name: 1000 * (after[name] - before[name]) / calls for name in after}
    return {
        "what": target.name,
        "calls": calls,
        "per_second": round(calls / wall, 1),
        "median_ms": round(statistics.median(latencies) * 1000, 2),
        "p99_ms": round(latencies[int(calls * 0.99)] * 1000, 2),
        "cloud_cpu_ms": round(sum(spent.values()), 3),
        "cpu_ms_by_process": {name: round(value, 3) for name, value in spent.items() if value > 0.0005},
        "client_cpu_ms": round(1000 * sum(cpu for _, cpu in reports) / calls, 3),
        "per_second_on_two_cores": round(CORES * 1000 / sum(spent.values()), 1),
    }


def targets(cloud: PrivateCloud) -> list[Target]:
    token_text = cloud.session("demo").http.headers["X-Auth-Token"]
    host = urlsplit(cloud.environment.public_url).netloc
    user = {"name": "demo", "domain": {"id": "default"}, "password": cloud.environment["CELERITY_DEMO_PASSWORD"]}
    scope = {"project": {"name": "demo", "domain": {"id": "default"}}}
    password = {"methods": ["password"], "password": {"user": user}}
    token = {"methods": ["token"], "token": {"id": token_text}}
    sign_in = "/identity/v3/auth/tokens?nocatalog"

    def body(identity: object) -> bytes:
        return json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()

    return [
        Target("sign in with a password", _request("POST", sign_in, host, body(password)), 201),
        Target("sign in with a token", _request("POST", sign_in, host, body(token)), 201),
        Target(
            "validate a token",
            _request("GET", sign_in, host, X_Auth_Token=token_text, X_Subject_Token=token_text),
            200,
        ),
        Target(
            "GET /compute/v2.1/flavors", _request("GET", "/compute/v2.1/flavors", host, X_Auth_Token=token_text), 200
        ),
    ]


def measure_all(*, seconds: float, connections: int) -> list[dict[str, Any]]:
    """Start a cloud and measure every kind of call, each after a second that warms it."""
    results = []
    with PrivateCloud(hosts=0, leave_out=("scheduler", "beat", "host-agent", "flower")) as cloud:
        for target in targets(cloud):
            measure(cloud, target, seconds=1, connections=connections)
            results.append(measure(cloud, target, seconds=seconds, connections=connections))
    return results


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results = measure_all(seconds=options.seconds, connections=options.connections)
    if options.json:
        print(json.dumps(results))
    else:
        report.show({"identity": results})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
