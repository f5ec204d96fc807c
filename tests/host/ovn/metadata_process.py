"""A host's metadata process, and an API that answers it from a table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from apps.metadata import signatures
from deploy.private.ovn import namespace
from tests.host.ovn.daemons import Host
from workers.drivers.network.base import PortSpec
from workers.drivers.network.ovn.known_ports import KnownPorts

ROOT = Path(__file__).resolve().parents[3]
SECRET = "tests"


class FakeApi:
    """Answers each server with its id, unless it is unknown; refuses what is not signed."""

    def __init__(self, host: str) -> None:
        self.unknown: set[str] = set()
        self.passwords: dict[str, str] = {}
        self.questions: list[int] = []
        self.fails = False
        self.host = host

    def answer(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert asked["host"] == self.host
        if self.fails:
            return 503, {}
        if path == "/metadata/v1/passwords":
            self.passwords[asked["asker"]["server"]] = asked["password"]
            return 204, {}
        servers = [item["server"] for item in asked["askers"]]
        self.questions.append(len(servers))
        return 200, {"answers": [None if server in self.unknown else self.bundle(server) for server in servers]}

    def bundle(self, server: str) -> dict[str, Any]:
        return {
            "meta_data": {"uuid": server, "name": "web"},
            "network_data": {"links": []},
            "vendor_data": {"of": "the cloud"},
            "user_data": "IyEvYmluL3NoCg==",
            "ec2": {"instance-id": "i-1", "placement": {"availability-zone": "nova"}},
            "content": {},
            "vendor_request": {"instance-id": server},
            "password": self.passwords.get(server, ""),
        }

    def serve(self) -> ThreadingHTTPServer:
        """Listen in the network namespace of this thread."""
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signature, now = self.headers.get(signatures.HEADER, ""), int(time.time())
                signed = signatures.is_valid(signature, SECRET, path=self.path, body=body, now=now)
                status, answer = api.answer(self.path, json.loads(body)) if signed else (401, {})
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content) if status != 204 else 0))
                self.end_headers()
                if status != 204:
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


class MetadataProcess:
    """The process, and the files that the host's agent would write."""

    def __init__(self, host: Host, state: Path, api_port: int) -> None:
        self._host, self._state = host, state
        self.ports = KnownPorts(state / "hosts" / host.name / "metadata")
        self._environment = {
            **os.environ,
            "CELERITY_STATE_DIR": str(state),
            "CELERITY_HOST": host.name,
            "CELERITY_SECRET_KEY": SECRET,
            "CELERITY_SWITCH": host.database,
            "CELERITY_METADATA_API": f"http://127.0.0.1:{api_port}",
            "CELERITY_METADATA_CACHE": "0.2",
        }
        self._log = (state / "metadata.log").open("w")
        self.start()

    def start(self) -> None:
        argv = ["ip", "netns", "exec", self._host.name, sys.executable, "-m", "workers.host.metadata"]
        self.process = subprocess.Popen(argv, cwd=ROOT, env=self._environment, stderr=self._log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._log.close()

    def record(self, port: PortSpec) -> None:
        self.ports.record(port)

    @property
    def log(self) -> str:
        return (self._state / "metadata.log").read_text()


@contextmanager
def serving(host: Host, state: Path) -> Iterator[tuple[MetadataProcess, FakeApi]]:
    api = FakeApi(host.name)
    with open(f"/run/netns/{host.name}") as inside, namespace(inside.fileno()):
        server = api.serve()
    process = MetadataProcess(host, state, server.server_address[1])
    try:
        yield process, api
    finally:
        process.stop()
        server.shutdown()
        server.server_close()
