"""Do slow and silent clients hold others up? ``python -m bench.front``.

Four callers ask for a list of flavors and for the first page of servers, first alone, then beside idle connections (a
third each silent, with half a header, with half a body) and slow uploads of images, spread over projects and addresses
because the front limits those of one. ``--downloads`` adds clients that read an image slowly.
"""

import argparse
import json
import select
import socket
import sys
import tempfile
import threading
import time
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.client import Session, spread, summary
from bench.private_cloud import PrivateCloud
from deploy import testrun
from deploy.errors import DeployError
from deploy.front.uploads import OF_ADDRESS, OF_PROJECT

CALLERS = 4
UPLOAD_BYTES = 64 * 1024 * 1024  # announced; at a byte each tenth of a second it never ends
DOWNLOAD_BYTES = 32 * 1024 * 1024


def ask(session: Session, requests: int) -> tuple[dict[str, float], list[str]]:
    """Send ``requests`` calls from ``CALLERS`` threads; return a summary of their seconds, and the errors."""
    taken: list[float] = []
    paths = (f"{session.nova}/flavors", f"{session.nova}/servers?limit=50")

    def call(index: int) -> None:
        began = time.perf_counter()
        status = session.http.call("GET", paths[index % 2])[0]
        taken.append(time.perf_counter() - began)
        if status != 200:
            raise DeployError(f"status {status}")

    _, errors = spread(requests, CALLERS, call)
    return summary(taken, 50, 95, 99), errors


class Clients:
    """Connections that say little or nothing, held open for the ``with`` block by one thread."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self.token = token
        self.stack = ExitStack()
        self.slow: list[socket.socket] = []
        self.ended = threading.Event()

    def __enter__(self) -> "Clients":
        threading.Thread(target=self._drip, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.stack.close()

    def open(self, text: str = "", *, receive_buffer: int = 0, source: str = "127.0.0.1") -> socket.socket:
        made = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        made.bind((source, 0))
        if receive_buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(10)
        made.connect(self.address)
        made.sendall(text.encode())
        return made

    def idle(self, count: int) -> None:
        body = "POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        kinds = (
            "",
            "GET /compute/v2.1/servers HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth",
            f"{body}Content-Length: 500\r\n\r\n{{",
        )
        for index in range(count):
            self.open(kinds[index % 3])

    def upload(self, path: str) -> None:
        self.slow.append(
            self.open(
                f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {self.token}\r\n"
                f"Content-Type: application/octet-stream\r\nContent-Length: {UPLOAD_BYTES}\r\n\r\n",
                source=f"127.0.0.{2 + len(self.slow) // OF_ADDRESS}",
            )
        )

    def refused(self) -> int:
        """Return how many slow uploads have got an answer: an upload that goes on has none."""
        return len(select.select(self.slow, [], [], 0)[0])

    def download(self, path: str) -> None:
        self.open(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Auth-Token: {self.token}\r\n\r\n", receive_buffer=4096)

    def _drip(self) -> None:
        while not self.ended.wait(0.1):
            for made in list(self.slow):
                with suppress(OSError):
                    made.sendall(b"\0")


def image(session: Session, name: str, **more: str) -> str:
    described = {"name": name, "disk_format": "raw", "container_format": "bare", **more}
    status, _, made = session.http.call("POST", f"{session.glance}/images", described)
    if status != 201:
        raise DeployError(f"An image was not made: {status} {made}")
    return str(made["id"])


def measure(cloud: PrivateCloud, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of both states, in turns."""
    session, admin = cloud.session("demo"), cloud.session("admin")
    token, host = admin.http.headers["X-Auth-Token"], cloud.environment.public_url
    owners = [uuid.uuid4().hex for _ in range(0, options.uploads, OF_PROJECT)]
    uploads = [image(admin, f"slow-{index}", owner=owners[index // OF_PROJECT]) for index in range(options.uploads)]
    big = image(session, "big")
    bits = {"Content-Type": "application/octet-stream"}
    session.http.call("PUT", f"{session.glance}/images/{big}/file", b"\1" * DOWNLOAD_BYTES, bits)
    result: dict[str, Any] = {"idle": [], "loaded": [], "errors": []}
    ask(session, 200)  # warm
    for _ in range(options.turns):
        result["idle"].append(one_turn(cloud, session, options.requests, result["errors"]))
        with Clients(host, token) as clients:
            clients.idle(options.connections)
            for upload in uploads:
                clients.upload(f"{urlsplit(session.glance).path}/images/{upload}/file")
            for _ in range(options.downloads):
                clients.download(f"{urlsplit(session.glance).path}/images/{big}/file")
            time.sleep(1)
            result["loaded"].append(one_turn(cloud, session, options.requests, result["errors"]))
    result["memory_mib"] = {name: round(upload.pss, 1) for name, upload in cloud.memory().items()}
    return result


def one_turn(cloud: PrivateCloud, session: Session, requests: int, errors: list[str]) -> dict[str, float]:
    before = cloud.cpu()
    took, failed = ask(session, requests)
    after = cloud.cpu()
    errors += failed
    used = sum(after[name] - before[name] for name in after if name in ("front", "api"))
    return took | {"cpu_ms": round(1000 * used / requests, 3)}


def show(results: dict[str, Any]) -> None:
    for state in ("idle", "loaded"):
        for turn in results[state]:
            figures = "  ".join(f"{name} {1000 * turn[name]:7.1f} ms" for name in ("p50", "p95", "p99", "max"))
            print(f"{state:7} {figures}   CPU {turn['cpu_ms']:.2f} ms a call")
    print("memory ", ", ".join(f"{name} {mib:.0f}" for name, mib in results["memory_mib"].items()), "MiB PSS")
    print("errors ", len(results["errors"]), results["errors"][:3])


def main(arguments: list[str]) -> int:
    made = argparse.ArgumentParser(prog="python -m bench.front", description=__doc__)
    made.add_argument("--connections", type=int, default=500, help="idle ones, of three kinds")
    made.add_argument("--uploads", type=int, default=50, help="slow ones")
    made.add_argument("--downloads", type=int, default=0, help="slow ones, of 32 MiB")
    made.add_argument("--requests", type=int, default=1000, help="of one turn")
    made.add_argument("--turns", type=int, default=2)
    made.add_argument("--output", type=Path, default=Path(tempfile.gettempdir()) / "celerity-bench-front.json")
    options = made.parse_args(arguments)
    testrun.sweep()
    try:
        with PrivateCloud(hosts=1, leave_out=("flower", "beat")) as cloud:
            results = measure(cloud, options)
    except DeployError as error:
        print(error.message, error.details, file=sys.stderr)
        return 1
    show(results)
    options.output.write_text(json.dumps(results, indent=2))
    print(f"\nWritten to {options.output}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
