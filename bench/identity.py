"""How many tokens are issued and validated a second: ``python -m bench.identity``.

A private cloud's API with PostgreSQL, and clients that keep their connections. All of it shares this machine's cores,
so each line also says how much CPU time the cloud itself spent on a call, and what that would give on two idle cores.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from bench.private_cloud import PrivateCloud

CORES = 2


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


async def _connection(host: str, port: int, target: Target, until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    expected = str(target.status).encode()
    while time.perf_counter() < until:
        begin = time.perf_counter()
        writer.write(target.request)
        head = await reader.readuntil(b"\r\n\r\n")
        if head.split(b" ", 2)[1] != expected:
            raise RuntimeError(f"{target.name}: {head[:200]!r}")
        lower = head.lower()
        length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]) if b"content-length:" in lower else 0
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - begin)
        if b"connection: close" in lower:
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
    writer.close()


def _client(address: tuple[str, int], target: Target, seconds: float, connections: int, results: object) -> None:
    """Run in a process of its own: its CPU time is not the cloud's."""

    async def run() -> list[float]:
        latencies: list[float] = []
        until = time.perf_counter() + seconds
        await asyncio.gather(*(_connection(*address, target, until, latencies) for _ in range(connections)))
        return latencies

    results.put(asyncio.run(run()))  # type: ignore[attr-defined]


def _cpu(cloud: PrivateCloud) -> float:
    """Return the CPU seconds that API and database have spent so far."""
    roots = [child.pid for child in cloud.children.values()]
    total = 0.0
    for process in psutil.process_iter(["pid", "ppid", "cmdline"]):
        try:
            mine = process.pid in roots or any(parent.pid in roots for parent in process.parents())
            ours = mine or str(cloud.state) in process.environ().get("PGDATA", "") or _is_database(process, cloud)
            if ours:
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.Error:
            continue
    return total


def _is_database(process: psutil.Process, cloud: PrivateCloud) -> bool:
    chain = [process, *process.parents()]
    return any("postgres" in one.name() and str(cloud.state) in " ".join(one.cmdline()) for one in chain)


def measure(cloud: PrivateCloud, target: Target, *, seconds: float, connections: int) -> dict[str, float | str]:
    """Send one kind of call for some seconds. Latencies are milliseconds."""
    parts = urlsplit(cloud.environment.public_url)
    address = (str(parts.hostname), int(parts.port or 80))
    results: object = multiprocessing.Queue()
    before, begin = _cpu(cloud), time.perf_counter()
    client = multiprocessing.Process(target=_client, args=(address, target, seconds, connections, results))
    client.start()
    latencies = sorted(results.get(timeout=seconds + 60))  # type: ignore[attr-defined]
    client.join()
    wall, cpu = time.perf_counter() - begin, _cpu(cloud) - before
    each = cpu / len(latencies)
    return {
        "what": target.name,
        "calls": len(latencies),
        "per_second": round(len(latencies) / wall, 1),
        "median_ms": round(statistics.median(latencies) * 1000, 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
        "cloud_cpu_ms": round(each * 1000, 3),
        "per_second_on_two_cores": round(CORES / each, 1),
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
            "GET /identity/v3/auth/tokens",
            _request("GET", sign_in, host, X_Auth_Token=token_text, X_Subject_Token=token_text),
            200,
        ),
        Target(
            "GET /compute/v2.1/flavors", _request("GET", "/compute/v2.1/flavors", host, X_Auth_Token=token_text), 200
        ),
    ]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with PrivateCloud(hosts=0, leave_out=("scheduler", "beat", "host-agent", "flower")) as cloud:
        found = []
        for target in targets(cloud):
            measure(cloud, target, seconds=1, connections=options.connections)  # warm
            found.append(measure(cloud, target, seconds=options.seconds, connections=options.connections))
            if not options.json:
                row = found[-1]
                print(
                    f"{row['what']:32} {row['per_second']:8} /s   median {row['median_ms']:7} ms   p99 "
                    f"{row['p99_ms']:7} ms   CPU {row['cloud_cpu_ms']} ms a call: {row['per_second_on_two_cores']} /s "
                    f"on {CORES} idle cores",
                    flush=True,
                )
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
