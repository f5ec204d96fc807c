"""The HTTP server that guests see: reads requests within limits, and answers them from documents."""

import asyncio
import http
from collections import Counter
from contextlib import suppress
from typing import Any

from apps.metadata import tree
from workers.drivers.network.ovn.known_ports import KnownPort
from workers.host.metadata import requests
from workers.host.metadata.answers import Answers, Bundle, Unavailable
from workers.host.metadata.askers import Askers
from workers.host.metadata.requests import Refused, Request
from workers.host.metadata.vendor_data import VendorData

HEAD_SECONDS = 5.0  # from the first moment, or from the answer before
BODY_SECONDS = 5.0
SEND_SECONDS = 20.0
REQUESTS_OF_CONNECTION = 200
CONNECTIONS_OF_GUEST = 32
CONNECTIONS_OF_NETWORK = 1024
CONNECTIONS = 2048  # the supervisor gives a process 4,096 file handles
ANSWER_SECONDS = 30.0
PASSWORD_BYTES = 1020
Answer = tuple[int, bytes, str]


class Front:
    """Serves connections of every network."""

    def __init__(self, askers: Askers, answers: Answers, vendor_data: VendorData) -> None:
        self._askers, self._answers, self._vendor_data = askers, answers, vendor_data
        self._open: Counter[tuple[str, str]] = Counter()  # connections by network and port
        self._of_network: Counter[str] = Counter()
        self.served: Counter[int] = Counter()

    async def connected(self, network_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which came by a network's device, to its end."""
        address = str(writer.get_extra_info("peername")[0])
        port = self._askers.find(network_id, address)
        if not self._admits(network_id, port):
            writer.transport.abort()
            return
        # All addresses of a network that no port has count as one guest.
        guest = (network_id, port.id if port else "")
        self._open[guest] += 1
        self._of_network[network_id] += 1
        try:
            for _ in range(REQUESTS_OF_CONNECTION):
                if not await self._serve(network_id, address, port, reader, writer):
                    break
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            _count_down(self._open, guest)
            _count_down(self._of_network, network_id)
            with suppress(OSError):
                writer.close()

    def _admits(self, network_id: str, port: KnownPort | None) -> bool:
        """Return whether one more connection keeps within what a guest, a network and the process may have."""
        return (
            self._open[network_id, port.id if port else ""] < CONNECTIONS_OF_GUEST
            and self._of_network[network_id] < CONNECTIONS_OF_NETWORK
            and self._of_network.total() < CONNECTIONS
        )

    async def _serve(
        self,
        network_id: str,
        address: str,
        port: KnownPort | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Serve one request; say whether another may follow.

        A connection is its first port's: when the address passes to another one, it ends without a word.
        """
        method, keeps_alive = "GET", False
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            request = requests.parse(head)
            method = request.method
            body = await _body(request, reader, writer)
            keeps_alive = request.keeps_alive
            status, content, kind = await self._answer(port, request, body)
            if self._askers.find(network_id, address) != port:
                writer.transport.abort()
                return False
        except asyncio.LimitOverrunError:
            status, content, kind = _refusal(431)
        except Refused as refused:
            status, content, kind = _refusal(refused.status)
        self.served[status] += 1
        writer.write(_head(status, len(content), kind, keeps_alive=keeps_alive))
        if method != "HEAD":
            writer.write(content)
        async with asyncio.timeout(SEND_SECONDS):
            await writer.drain()
        return keeps_alive

    async def _answer(self, port: KnownPort | None, request: Request, body: bytes) -> Answer:
        if request.method not in requests.METHODS:
            return _refusal(405)
        if port is None:
            return _refusal(404)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                bundle = await self._answers.of(port)
                if bundle is None:
                    return _refusal(404)
                return await self._document(port, bundle, request, body)
        except tree.NotFound:
            return _refusal(404)
        except (Unavailable, TimeoutError):
            return _refusal(503)

    async def _document(self, port: KnownPort, bundle: Bundle, request: Request, body: bytes) -> Answer:
        document = tree.find(bundle, request.path)
        if document.name == tree.PASSWORD:
            return await self._password(port, bundle, request, body)
        if request.method == "POST":
            return _refusal(405)
        if document.name == tree.VENDOR_DATA_2:
            return 200, await self._vendor_data.of(bundle["vendor_request"]), tree.JSON
        return 200, document.content, document.kind

    async def _password(self, port: KnownPort, bundle: Bundle, request: Request, body: bytes) -> Answer:
        """The guest posts it once; it is kept as it came."""
        if request.method != "POST":
            return 200, bundle["password"].encode(), tree.TEXT
        if bundle["password"]:
            return _refusal(409)
        try:
            text = body.decode()
        except ValueError:
            return _refusal(400)
        if not text or "\0" in text or len(body) > PASSWORD_BYTES:
            return _refusal(400)
        status = await self._answers.post_password(port, text)
        return (200, b"", tree.TEXT) if status == 204 else _refusal(status)


def _count_down(counter: Counter[Any], key: object) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


async def _body(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    if not request.length:
        return b""
    if request.expects_word:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    async with asyncio.timeout(BODY_SECONDS):
        return await reader.readexactly(request.length)


def _refusal(status: int) -> Answer:
    return status, f"{status} {http.HTTPStatus(status).phrase}\n".encode(), tree.TEXT


def _head(status: int, length: int, kind: str, *, keeps_alive: bool) -> bytes:
    again = "Retry-After: 2\r\n" if status == 503 else ""
    connection = "keep-alive" if keeps_alive else "close"
    return (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n"
        f"{again}Connection: {connection}\r\n\r\n"
    ).encode()
