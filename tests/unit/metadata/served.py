"""The metadata process without a host: an API that answers from memory, a front on loopback, ports."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from tests.unit.drivers import samples
from workers.drivers.network.ovn.known_ports import KnownPort
from workers.host.metadata.answers import Answers
from workers.host.metadata.askers import Askers
from workers.host.metadata.front import Front
from workers.host.metadata.vendor_data import VendorData

NETWORK = samples.new_id()


def port(*addresses: str, **changes: Any) -> KnownPort:
    given = {"id": samples.new_id(), "network_id": NETWORK, "server_id": samples.new_id(), "mac": "fa:16:3e:00:00:01"}
    return KnownPort(**{**given, "addresses": addresses, "mtu": 1442, **changes})


class Api:
    """What the API would answer; ``gate`` holds its answers back."""

    def __init__(self) -> None:
        self.questions: list[list[str]] = []
        self.fails = False
        self.unknown: set[str] = set()
        self.password = ""
        self.gate = threading.Event()
        self.gate.set()

    def ask(self, path: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        assert document["host"] == "host"
        self.gate.wait(10)
        if self.fails:
            raise OSError("away")
        if path.endswith("passwords"):
            self.password = document["password"]
            return 204, {}
        servers = [item["server"] for item in document["askers"]]
        self.questions.append(servers)
        return 200, {"answers": [None if server in self.unknown else self.bundle(server) for server in servers]}

    def bundle(self, server: str) -> dict[str, Any]:
        return {
            "meta_data": {"uuid": server}, "network_data": {}, "vendor_data": {}, "user_data": "", "ec2": {},
            "content": {}, "vendor_request": {"instance-id": server}, "password": self.password,
        }  # fmt: skip


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 20))


class Served:
    """A front on this machine's loopback: every connection is of the network, and of the guest 127.0.0.1."""

    def __init__(self, api: Api, *ports: KnownPort, vendor_url: str = "") -> None:
        self.known = Askers()
        self.known.replace(ports)
        self.answers = Answers(api.ask, host="host", cache_seconds=60)
        self.front = Front(self.known, self.answers, VendorData(vendor_url, 0.3))

    async def __aenter__(self) -> "Served":
        self._server = await asyncio.start_server(
            lambda reader, writer: self.front.connected(NETWORK, reader, writer),
            "127.0.0.1",
            0,
            limit=8192,
            backlog=1024,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def send(self, text: str, source: str = "127.0.0.1") -> tuple[int, str]:
        """Send text on a separate connection; return status and body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        writer.write(text.encode())
        content = (await reader.read()).decode()
        writer.close()
        head, _, body = content.partition("\r\n\r\n")
        return int(head.split(" ")[1]) if head else 0, body

    async def get(self, path: str, source: str = "127.0.0.1", *headers: str) -> tuple[int, str]:
        lines = "".join(f"{header}\r\n" for header in headers)
        return await self.send(f"GET {path} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n", source)

    async def post(self, path: str, body: str) -> tuple[int, str]:
        return await self.send(
            f"POST {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
