"""The process: one event loop for all guests, one thread that plugs networks."""

import asyncio
import functools
import json
import os
import signal
import socket
import threading
from typing import Any

from workers.drivers.network.ovn.known_ports import KnownPorts
from workers.drivers.network.ovn.metadata_links import MetadataLinks
from workers.drivers.network.ovn.ovsdb import Ovsdb
from workers.host.metadata import logs, settings
from workers.host.metadata.answers import Answers
from workers.host.metadata.api import Api
from workers.host.metadata.askers import Askers
from workers.host.metadata.front import Front
from workers.host.metadata.plugging import Plugging, Serve
from workers.host.metadata.requests import HEAD_BYTES
from workers.host.metadata.settings import Settings
from workers.host.metadata.vendor_data import VendorData
from workers.system import files
from workers.system.namespaces import Namespace
from workers.system.paths import HostPaths

DATABASE = "Open_vSwitch"
TIDY_SECONDS = 30.0
SERVE_SECONDS = 10.0


class Service:
    """All of the process but its start and end."""

    def __init__(self, values: Settings) -> None:
        self._values = values
        self._askers = Askers()
        self._answers = Answers(
            Api(values.api, values.secret, values.api_seconds).ask,
            host=values.host,
            cache_seconds=values.cache_seconds,
            devices=self._devices,
        )
        self._vendor_data = VendorData(values.vendor_url, values.vendor_seconds)
        self._front = Front(self._askers, self._answers, self._vendor_data)
        self._servers: dict[str, list[asyncio.Server]] = {}
        self._plugging: Plugging | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stopped."""
        loop = asyncio.get_running_loop()
        links = MetadataLinks(Ovsdb(self._values.switch, DATABASE), Namespace())
        self._plugging = Plugging(KnownPorts(self._values.directory), links, self._askers, self._serve_from(loop))
        thread = threading.Thread(target=self._plugging.run, name="plugging", daemon=True)
        status = await self._serve_status()
        thread.start()
        logs.write("info", "metadata process started", host=self._values.host, api=self._values.api)
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), TIDY_SECONDS)
            except TimeoutError:
                self._answers.forget_old()
                self._vendor_data.forget_old()
        self._plugging.stop()
        await asyncio.to_thread(thread.join, 5.0)
        status.close()

    def _devices(self, server_id: str) -> list[Any]:
        """Return a server's tagged devices, which its host noted when it started."""
        try:
            listed = json.loads(files.read(HostPaths(self._values.directory.parent).devices(server_id)) or b"[]")
        except (OSError, ValueError):
            return []
        return listed if isinstance(listed, list) else []

    def _serve_from(self, loop: asyncio.AbstractEventLoop) -> Serve:
        """Return what another thread hands sockets over by."""

        def serve(network_id: str, sockets: tuple[socket.socket, ...]) -> None:
            asyncio.run_coroutine_threadsafe(self._serve(network_id, sockets), loop).result(SERVE_SECONDS)

        return serve

    async def _serve(self, network_id: str, sockets: tuple[socket.socket, ...]) -> None:
        for server in self._servers.pop(network_id, ()):
            server.close()
        for listening in sockets:
            connected = functools.partial(self._front.connected, network_id)
            server = await asyncio.start_server(connected, sock=listening, limit=HEAD_BYTES, backlog=1024)
            self._servers.setdefault(network_id, []).append(server)

    async def _serve_status(self) -> asyncio.Server:
        """Tell the machine's commands what this process does: numbers only."""
        path = self._values.status
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)

        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(json.dumps(self._numbers()).encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_unix_server(answer, path)
        path.chmod(0o600)
        return server

    def _numbers(self) -> dict[str, object]:
        return {
            "networks": self._plugging.networks if self._plugging else 0,
            "ports": self._askers.size,
            "requests": {str(status): number for status, number in sorted(self._front.served.items())},
            "questions": self._answers.questions,
            "failures": self._answers.failures,
            "fails": self._answers.fails,
        }


async def main() -> None:
    values = settings.read()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Service(values).run(stop)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # threads that wait for the API or a vendor's service keep nobody waiting
