"""Guests that write out their file systems, and wait, while their volume's content is kept: by their agents.

The hosts of the servers that have the volume are asked, over HTTP or here. A host lets its guests write again after
``FROZEN_SECONDS``, also if nobody asks it to. Should its agent die, its recovery finds a note beside the server's
files.
"""

import http
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import structlog

from apps.compute import image_properties
from apps.compute.selectors import servers
from apps.scheduling.services import agents
from apps.volumes import states
from apps.volumes.selectors import attachments
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.system import files

log = structlog.get_logger("celerity.agent")
FROZEN_SECONDS = 60.0
ASK_SECONDS = 45.0  # an agent is asked for 30 s
ANSWER_BYTES = 20_000
_timers: dict[tuple[str, str], threading.Timer] = {}


@contextmanager
def quiesced(volume_id: uuid.UUID) -> Iterator[list[str]]:
    """Have the guests with agents that have the volume wait for the block. After it, what is yielded has the IDs of the
    servers that did not wait for all of it.
    """
    asked = {host: keys for host, keys in _guests(volume_id).items() if keys}
    missed: set[str] = set()
    late: list[str] = []
    try:
        for host in asked:
            missed |= set(_ask(host, volume_id, "freeze", asked[host]))
        yield late
    finally:
        for host in asked:
            missed |= set(_ask(host, volume_id, "thaw", asked[host]))
        late += sorted(missed)


def freeze(volume_id: uuid.UUID, drivers: HostDrivers) -> list[str]:
    """Freeze the guests here that have the volume. Returns the servers whose agents did not do it."""
    return [key for key in _guests(volume_id).get(drivers.host, []) if not _freeze(key, drivers)]


def thaw(volume_id: uuid.UUID, drivers: HostDrivers) -> list[str]:
    """Let them write again. Returns the servers that were not frozen any more."""
    return [key for key in _guests(volume_id).get(drivers.host, []) if not _thaw(key, drivers)]


def thaw_forgotten(drivers: HostDrivers) -> list[str]:
    """Let guests write again whose agent on this host died meanwhile. Returns their servers."""
    known = [path.parent.name for path in drivers.paths.instances.glob(f"*/{drivers.paths.frozen('x').name}")]
    late = [key for key in known if time.time() - drivers.paths.frozen(key).stat().st_mtime > FROZEN_SECONDS]
    return [key for key in late if (drivers.host, key) not in _timers and _thaw(key, drivers, is_forgotten=True)]


def _guests(volume_id: uuid.UUID) -> dict[str, list[str]]:
    """Return the servers with agents that have the volume, by host. 1 query, and one for each server."""
    guests: dict[str, list[str]] = {}
    for row in attachments.of_volume(volume_id=volume_id):
        if row.by_compute and row.host and row.server_id and row.status == states.ATTACHED:
            server = servers.load(server_id=row.server_id)
            if server is not None and image_properties.has_guest_agent(server.image_properties):
                guests.setdefault(row.host, []).append(str(server.id))
    return guests


def _freeze(key: str, drivers: HostDrivers) -> bool:
    note = drivers.paths.frozen(key)
    if note.parent.is_dir():  # simulated hosts have none
        files.write(note, b"")
    is_frozen = False
    try:
        is_frozen = drivers.hypervisor.freeze(key)
    except DriverError as error:
        log.warning("guest not frozen", server=key, error=error.details or error.message)
    if not is_frozen:
        note.unlink(missing_ok=True)
        return False
    timer = threading.Timer(FROZEN_SECONDS, _thaw, (key, drivers))
    timer.daemon = True
    _timers[drivers.host, key] = timer
    timer.start()
    return True


def _thaw(key: str, drivers: HostDrivers, *, is_forgotten: bool = False) -> bool:
    """Return whether it was frozen until now. One that does not thaw keeps its note: recovery tries again."""
    timer = _timers.pop((drivers.host, key), None)
    if timer is None and not is_forgotten:
        return False
    if timer is not None:
        timer.cancel()
    try:
        drivers.hypervisor.thaw(key)
    except DriverError as error:
        log.warning("guest not thawed", server=key, error=error.details or error.message)
        return False
    drivers.paths.frozen(key).unlink(missing_ok=True)
    return True


def _ask(host: str, volume_id: uuid.UUID, duty: str, guests: list[str]) -> list[str]:
    """Have a host do it. One that does not answer has frozen nothing that it does not thaw."""
    if (drivers := config.drivers_for(host)) is not None:
        return (freeze if duty == "freeze" else thaw)(volume_id, drivers)
    parts = ("volumes", str(volume_id), duty)
    try:
        status, body = agents.request(
            host=host, parts=parts, method="POST", limit=ANSWER_BYTES, timeout_seconds=ASK_SECONDS
        )
    except agents.AgentSilent:  # logged there
        return guests
    answer: Any = orjson.loads(body) if status == http.HTTPStatus.OK else guests
    return list(answer)
