"""The disks of a server for the host that it moves to, over mutual TLS (workers/drivers/storage/transfers.py)."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

import structlog
from django.conf import settings

from workers import config
from workers.drivers.errors import DriverError
from workers.drivers.storage import transfers
from workers.drivers.storage.errors import FilesMissing
from workers.system.pki import DIRECTORY

log = structlog.get_logger("celerity.agent")
PART = "disks"
AT_ONCE = 4
SECONDS = 60.0  # for each write: the other host has stopped reading
_places = threading.BoundedSemaphore(AT_ONCE)


def answer(handler: BaseHTTPRequestHandler, parts: list[str]) -> None:
    """Answer a signed request for a server's disks: 404 without them, 409 while its guest is on, 503 for too many at
    once or without a certificate; else 101, and TLS.
    """
    drivers = config.drivers_for(parts[1]) if len(parts) == 5 else None
    if drivers is None or (parts[0], parts[2]) != ("hosts", "servers"):
        _refuse(handler, HTTPStatus.NOT_FOUND)
        return
    if handler.headers.get("Upgrade") != transfers.UPGRADE:
        _refuse(handler, HTTPStatus.UPGRADE_REQUIRED)
        return
    if not _places.acquire(blocking=False):
        _refuse(handler, HTTPStatus.SERVICE_UNAVAILABLE)
        return
    try:
        info = drivers.hypervisor.info(parts[3])
        if info is not None and str(info.power_state) != "shutdown":
            _refuse(handler, HTTPStatus.CONFLICT)
        elif parts[3] not in drivers.storage.list_servers():
            _refuse(handler, HTTPStatus.NOT_FOUND)
        else:
            _send(handler, drivers, parts[3])
    except (DriverError, OSError) as error:
        log.warning("disks not sent", server=parts[3], error=str(getattr(error, "details", "") or error)[:300])
    finally:
        _places.release()


def _send(handler: BaseHTTPRequestHandler, drivers: config.HostDrivers, server_id: str) -> None:
    try:
        tls = transfers.context(settings.STATE_DIR / DIRECTORY, server=True)
    except DriverError:
        _refuse(handler, HTTPStatus.SERVICE_UNAVAILABLE)
        raise
    handler.close_connection = True
    handler.connection.settimeout(SECONDS)
    handler.wfile.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {transfers.UPGRADE}\r\n\r\n".encode())
    handler.wfile.flush()
    with tls.wrap_socket(handler.connection, server_side=True) as secured:
        try:
            drivers.storage.send_server(server_id, secured.sendall)
        except FilesMissing as error:
            log.warning("disks not sent", server=server_id, error=error.details)


def _refuse(handler: BaseHTTPRequestHandler, status: HTTPStatus) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
