"""An agent's HTTP server, for the API and other hosts' agents: every request carries a fresh signature of its path."""

import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import orjson
import structlog
from django.conf import settings
from django.core import signing
from django.db import connection

from apps.scheduling.services import agents
from apps.volumes.selectors import volumes
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.errors import ServerNotFound, ServerNotRunning
from workers.drivers.volume.base import VolumeDriver
from workers.host import offloads, peers, transfers
from workers.host.reconcilers import exports as guests
from workers.host.reconcilers import ports
from workers.mapping import exports, quiescing
from workers.system import addresses
from workers.system.peers import messages

log = structlog.get_logger("celerity.agent")
SIGNATURE_SECONDS = 60


def _console(drivers: HostDrivers, server_id: str) -> bytes:
    return drivers.hypervisor.console_output(server_id, settings.CONSOLE_LOG_LIMIT)


def _diagnostics(drivers: HostDrivers, server_id: str) -> bytes:
    return orjson.dumps(asdict(drivers.hypervisor.diagnostics(server_id)))


def _guest_agent(drivers: HostDrivers, server_id: str) -> bytes:
    return b"yes" if drivers.hypervisor.agent_answers(server_id) else b"no"


def _exports(drivers: HostDrivers, volume_id: str) -> bytes:
    exports.follow(uuid.UUID(volume_id), drivers)
    return b""


def _guests(drivers: HostDrivers, volume_id: str) -> bytes:
    guests.look_after(uuid.UUID(volume_id), drivers)
    return b""


def _freeze(drivers: HostDrivers, volume_id: str) -> bytes:
    return orjson.dumps(quiescing.freeze(uuid.UUID(volume_id), drivers))


def _thaw(drivers: HostDrivers, volume_id: str) -> bytes:
    return orjson.dumps(quiescing.thaw(uuid.UUID(volume_id), drivers))


def _addresses(drivers: HostDrivers, port_id: str) -> bytes:
    ports.refresh(uuid.UUID(port_id), drivers)
    return b""


def _guests_to_restart(drivers: HostDrivers, mode: str) -> bytes:
    return orjson.dumps([[guest.id, guest.name] for guest in offloads.guests_to_restart(drivers, mode)])


def _unmanaged(drivers: HostDrivers, backend: str) -> bytes:
    return orjson.dumps([asdict(item) for item in _driver(drivers, backend).list_unmanaged()])


def _unmanaged_snapshots(drivers: HostDrivers, backend: str) -> bytes:
    """Of the host's volumes: a pool may have those of all hosts."""
    rows = volumes.on_host(host=drivers.host).filter(backend=backend)
    return orjson.dumps(_snapshots_of(_driver(drivers, backend), map(str, rows.values_list("id", flat=True))))


def _unmanaged_of_volume(drivers: HostDrivers, volume_id: str) -> bytes:
    return orjson.dumps(_snapshots_of(drivers.volume, [volume_id]))


def _snapshots_of(driver: VolumeDriver, volume_ids: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"volume": key, "name": item.reference, "size_gib": item.size_gib}
        for key in volume_ids
        for item in driver.list_unmanaged_snapshots(key)
    ]


def _driver(drivers: HostDrivers, backend: str) -> VolumeDriver:
    return drivers.volume.backends().get(backend, drivers.volume)


PARTS: dict[str, Callable[[HostDrivers, str], bytes]] = {
    "console": _console,
    "diagnostics": _diagnostics,
    "guest-agent": _guest_agent,
}
# What other hosts ask, by volume: to open and close its exports as the rows say; to look after the guests here that
# have it, because it is larger, or back; to let them wait while its content is kept. What of the volume nobody manages;
# by back end: what it has, and no volume or snapshot is.
DUTIES: dict[str, Callable[[HostDrivers, str], bytes]] = {
    "exports": _exports,
    "guests": _guests,
    "freeze": _freeze,
    "thaw": _thaw,
    "kept-snapshots": _unmanaged_of_volume,
    "unmanaged": _unmanaged,
    "unmanaged-snapshots": _unmanaged_snapshots,
}
# What the network worker asks, by port: to record its addresses as rows have them.
OF_PORTS: dict[str, Callable[[HostDrivers, str], bytes]] = {"addresses": _addresses}
# What the command that changes the mode of offloads asks, by mode.
OF_OFFLOADS: dict[str, Callable[[HostDrivers, str], bytes]] = {"guests": _guests_to_restart}
KINDS = {"volumes": DUTIES, "ports": OF_PORTS, "offloads": OF_OFFLOADS}


class Handler(BaseHTTPRequestHandler):
    """GET /hosts/<host>/servers/<id>/<part>: the console's last bytes, counters as JSON, whether the agent answers.
    POST /hosts/<host>/volumes/<id>/<duty>, /hosts/<host>/ports/<id>/addresses: what rows ask of the host.
    POST /hosts/<host>/offloads/<mode>/guests: which guests the mode needs restarted.

    The part `disks` of a server is for other hosts (transfers.py).
    """

    timeout = 10

    def do_GET(self) -> None:
        """Answer 401 to unsigned requests, 404 to unknown paths and 409 for a guest that is not running.

        Another host is known by its certificate.
        """
        parts = [unquote(part) for part in self.path.strip("/").split("/")]
        if self.path == messages.PATH:
            peers.answer(self)
        elif parts[-1] == transfers.PART and self._signed():
            transfers.answer(self, parts)
        else:
            self._serve("servers", PARTS)

    def do_POST(self) -> None:
        """Answer 401 and 404 in the same way, and 503 with a sentence where the host could not."""
        kind = "".join(self.path.split("/")[3:4])
        self._serve(kind, KINDS.get(kind, {}))

    def _serve(self, kind: str, known: Mapping[str, Callable[[HostDrivers, str], bytes]]) -> None:
        parts = [unquote(part) for part in self.path.strip("/").split("/")]
        drivers = config.drivers_for(parts[1]) if len(parts) == 5 else None
        if not self._signed():
            self._answer(HTTPStatus.UNAUTHORIZED)
        elif drivers is None or (parts[0], parts[2]) != ("hosts", kind) or parts[4] not in known:
            self._answer(HTTPStatus.NOT_FOUND)
        elif kind != "servers":
            self._answer(*_do(known[parts[4]], drivers, parts[3]))
        else:
            self._answer(*_read(parts[4], drivers, parts[3]))

    def _signed(self) -> bool:
        try:
            signature = self.headers.get(agents.SIGNATURE, "")
            signed = signing.TimestampSigner(salt=agents.SALT).unsign(signature, max_age=SIGNATURE_SECONDS)
        except signing.BadSignature:
            return False
        return signed == self.path

    def _answer(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged by the API that makes them."""


def _read(part: str, drivers: HostDrivers, server_id: str) -> tuple[HTTPStatus, bytes]:
    try:
        return HTTPStatus.OK, PARTS[part](drivers, server_id)
    except (ServerNotFound, ServerNotRunning):
        return HTTPStatus.CONFLICT, b""
    except DriverError as error:
        log.warning("part of a server not read", part=part, server=server_id, error=error.details or error.message)
        return HTTPStatus.SERVICE_UNAVAILABLE, b""


def _do(duty: Callable[[HostDrivers, str], bytes], drivers: HostDrivers, item: str) -> tuple[HTTPStatus, bytes]:
    """Each request has a thread, and a session that ends with it."""
    try:
        return HTTPStatus.OK, duty(drivers, item)
    except Exception as error:
        message = error.message if isinstance(error, DriverError) else type(error).__name__
        log.warning("duty not done", id=item, error=f"{type(error).__name__}: {error}"[:300])
        return HTTPStatus.SERVICE_UNAVAILABLE, message.encode()
    finally:
        connection.close()


class _OverIPv6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def serve() -> tuple[ThreadingHTTPServer, str]:
    """Listen on ``AGENT_LISTEN`` and return the server and its URL for others, at ``HOST_ADDRESS``."""
    host, _, port = settings.AGENT_LISTEN.rpartition(":")
    server = (_OverIPv6 if host.startswith("[") else ThreadingHTTPServer)((host.strip("[]"), int(port)), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="agent-http", daemon=True).start()
    return server, f"http://{addresses.in_url(settings.HOST_ADDRESS)}:{server.server_address[1]}"
