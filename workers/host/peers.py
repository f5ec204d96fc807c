"""What this host gives to other hosts: parts of servers that a run moves between the two; from the machine with the
authority, their next certificates and the keys of the encrypted volumes that they have.
"""

import threading
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

import structlog
from django.conf import settings
from django.db import connection

from apps.compute import states
from apps.compute.selectors import servers
from apps.workflow.selectors import runs
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import ClusterSource, ExportSource
from workers.drivers.hypervisor.migration import ARRIVAL, DOORS, PLACED_ARRIVAL
from workers.host import certificates
from workers.mapping import hardware, volume_keys, volumes
from workers.system.peers import messages, server, tls
from workers.system.peers.errors import PeerRefused, PeerUnreachable
from workers.system.peers.messages import Request
from workers.system.peers.server import Offer
from workers.system.pki import DIRECTORY

log = structlog.get_logger("celerity.agent")
CONSOLE_BYTES = 1024 * 1024
FILE = "file "
AT_ONCE = 64
_slots = threading.BoundedSemaphore(AT_ONCE)


def answer(handler: BaseHTTPRequestHandler) -> None:
    """Serve a connection of another host: 426 unless it asks for TLS, 503 without a certificate or at too many at once;
    else 101, and TLS.
    """
    if handler.headers.get("Upgrade") != messages.PROTOCOL:
        _refuse(handler, HTTPStatus.UPGRADE_REQUIRED)
        return
    if not _slots.acquire(blocking=False):
        _refuse(handler, HTTPStatus.SERVICE_UNAVAILABLE)
        return
    try:
        context = tls.context(settings.STATE_DIR / DIRECTORY, server=True)
        handler.close_connection = True
        handler.wfile.write(messages.GRANT.encode())
        handler.wfile.flush()
        server.answer(handler.connection, context, _admit)
    except PeerUnreachable as error:
        log.info("connection of another host ended", error=error.details or error.message)
        if not handler.close_connection:
            _refuse(handler, HTTPStatus.SERVICE_UNAVAILABLE)
    except (OSError, PeerRefused) as error:
        log.info("connection of another host ended", error=str(error)[:300])
    finally:
        _slots.release()


def _refuse(handler: BaseHTTPRequestHandler, status: HTTPStatus) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def _admit(host: str, request: Request) -> Offer:
    if request.part.startswith(certificates.PART):
        return Offer(data=certificates.sign(host, request.part.removeprefix(certificates.PART).encode()))
    if request.part in volume_keys.PARTS:
        return Offer(data=_key(host, request))
    drivers = config.drivers_for(settings.HOST_NAME)
    if drivers is None:
        raise PeerRefused("There is no such host here.", details=settings.HOST_NAME)
    return admit(drivers, host, request)


def _key(host: str, request: Request) -> bytes:
    try:
        return volume_keys.answer(host, request.server_id, request.part)
    finally:
        connection.close()  # this thread ends with its connection to the other host


def admit(drivers: HostDrivers, host: str, request: Request) -> Offer:
    """Return what a host asks for, if a run moves that server between the two now. Raises PeerRefused.

    A destination gives its doors to the source, a source its files to the destination.
    """
    try:
        server_id = uuid.UUID(request.server_id)
        source, destination = _moves(server_id)
    except (ValueError, LookupError) as error:
        raise PeerRefused("No server is on its way between the hosts.", details=str(error)) from error
    try:
        if (source, destination) == (host, drivers.host):
            return _door(drivers, str(server_id), request.part)
        if (source, destination) == (drivers.host, host):
            return _files(drivers, str(server_id), request.part)
    except DriverError as error:
        raise PeerRefused(error.message, details=error.details) from error
    raise PeerRefused("No server is on its way between the hosts.", details=f"{source} to {destination}")


def _moves(server_id: uuid.UUID) -> tuple[str, str]:
    """Return the hosts that a server's run moves it between. Raises LookupError."""
    try:
        run = runs.active_of(subject_type=states.SUBJECT, subject_id=server_id)
    finally:
        connection.close()  # this thread ends with its connection to the other host
    if run is None:
        raise LookupError("no run is active")
    return str(run.hosts.get("source", "")), str(run.hosts.get("destination", ""))


def _door(drivers: HostDrivers, server_id: str, part: str) -> Offer:
    if part in (ARRIVAL, PLACED_ARRIVAL):
        if part == ARRIVAL and _has_places(server_id):
            raise PeerRefused("The agent of the server's host would keep its processors: upgrade that host first.")
        return Offer(data=drivers.hypervisor.arrival_facts(_exports(drivers, server_id)))
    for door in DOORS:
        if part == door:
            return Offer(socket=drivers.hypervisor.arrival_door(server_id, door))
    raise PeerRefused("This host has no such door.", details=part[:100])


def _has_places(server_id: str) -> bool:
    """Whether a server has processors or memory cells of its host, which agents of before do not change in a move."""
    try:
        server = servers.load(server_id=uuid.UUID(server_id))
        return server is not None and hardware.has_places(server)
    finally:
        connection.close()  # this thread ends with its connection to the other host


def _exports(drivers: HostDrivers, server_id: str) -> dict[str, ExportSource | ClusterSource]:
    """Return where this host has the volumes of a server, by their serial numbers, and its disks of a pool."""
    try:
        rows = volumes.of_server(uuid.UUID(server_id))
        exports = {volumes.serial_of(row): volumes.source_of(volumes.connect(row, drivers)) for row in rows}
    finally:
        connection.close()
    disks = drivers.storage.pooled_disks(server_id)
    own = {disk.path: volumes.cluster_source(drivers.storage.guest_disk(disk)) for disk in disks}
    return {**exports, **own}


def _files(drivers: HostDrivers, server_id: str, part: str) -> Offer:
    if part == "layout":
        return Offer(data=drivers.storage.describe_disks(server_id))
    if part == "console":
        return Offer(data=drivers.hypervisor.console_output(server_id, CONSOLE_BYTES))
    if part.startswith(FILE):
        return Offer(file=drivers.storage.handed_file(server_id, part.removeprefix(FILE)))
    raise PeerRefused("This host has no such file.", details=part[:100])
