"""Guests that write out their file systems, and wait, while their volume's content is kept: by their agents.

The hosts of the servers that have the volume are asked, over HTTP or here. A host lets its guests write again after
``FROZEN_SECONDS``, also if nobody asks it to. Should its agent die, its recovery finds a note beside the server's
files.
"""

import http
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from apps.compute import image_properties
from apps.compute.selectors import servers
from apps.scheduling.services import agents
from apps.volumes import states
from apps.volumes.selectors import attachments, snapshots
from workers import config
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.system import files

log = structlog.get_logger("celerity.agent")
FROZEN_SECONDS = 60.0
ASK_SECONDS = 45.0  # an agent is asked for 30 s
ANSWER_BYTES = 20_000


@dataclass
class _Frozen:
    """``holders``: the volumes whose snapshots wait for it, one for each; the last one's end thaws the guest, unless
    others of its moment are to be made. ``done``: those that have been.
    """

    timer: threading.Timer
    holders: Counter[uuid.UUID]
    done: set[uuid.UUID] = field(default_factory=set)


_frozen: dict[tuple[str, str], _Frozen] = {}
_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)  # by guest: agents take their time


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


def release(volume_id: uuid.UUID) -> None:
    """The snapshot of a volume is not made: nobody waits for it any more."""
    for host, keys in _guests(volume_id).items():
        _ask(host, volume_id, "thaw", keys)


def freeze(volume_id: uuid.UUID, drivers: HostDrivers) -> list[str]:
    """Freeze the guests here that have the volume. Returns the servers whose agents did not do it."""
    return [key for key in _guests(volume_id).get(drivers.host, []) if not _hold(key, volume_id, drivers)]


def thaw(volume_id: uuid.UUID, drivers: HostDrivers) -> list[str]:
    """Let them write again, unless another snapshot waits for them. Returns the servers that were not frozen any
    more.
    """
    return [key for key in _guests(volume_id).get(drivers.host, []) if not _release(key, volume_id, drivers)]


def thaw_forgotten(drivers: HostDrivers) -> list[str]:
    """Let guests write again whose agent on this host died meanwhile. Returns their servers."""
    known = [path.parent.name for path in drivers.paths.instances.glob(f"*/{drivers.paths.frozen('x').name}")]
    late = [key for key in known if time.time() - drivers.paths.frozen(key).stat().st_mtime > FROZEN_SECONDS]
    return [key for key in late if _thaw_forgotten(key, drivers)]


def _guests(volume_id: uuid.UUID) -> dict[str, list[str]]:
    """Return the servers with agents that have the volume, by host. 1 query, and one for each server."""
    guests: dict[str, list[str]] = {}
    for row in attachments.of_volume(volume_id=volume_id):
        if row.by_compute and row.host and row.server_id and row.status == states.ATTACHED:
            server = servers.load(server_id=row.server_id)
            if server is not None and image_properties.has_guest_agent(server.image_properties):
                guests.setdefault(row.host, []).append(str(server.id))
    return guests


def _hold(key: str, volume_id: uuid.UUID, drivers: HostDrivers) -> bool:
    """Freeze the guest, or join those that have frozen it."""
    place = drivers.host, key
    with _locks[place]:
        known = _frozen.get(place)
        if known is None and not _freeze(key, drivers):
            return False
        if known is None:
            timer = threading.Timer(FROZEN_SECONDS, lambda: _expire(key, drivers, known))
            known = _frozen[place] = _Frozen(timer, Counter())
            timer.daemon = True
            timer.start()
        known.holders[volume_id] += 1
    return True


def _freeze(key: str, drivers: HostDrivers) -> bool:
    note = drivers.paths.frozen(key)
    if note.parent.is_dir():  # simulated hosts have none
        files.write(note, b"")
    try:
        if drivers.hypervisor.freeze(key):
            return True
    except DriverError as error:
        log.warning("guest not frozen", server=key, error=error.details or error.message)
    note.unlink(missing_ok=True)
    return False


def _release(key: str, volume_id: uuid.UUID, drivers: HostDrivers) -> bool:
    """Return whether it was frozen until now. The last one thaws it."""
    place = drivers.host, key
    with _locks[place]:
        known = _frozen.get(place)
        if known is None:
            return False
        held = known.holders[volume_id] > 0
        known.holders[volume_id] -= int(held)
        known.done.add(volume_id)
        if known.holders.total() or _awaited(key, volume_id) - known.done:
            return held
        del _frozen[place]
        known.timer.cancel()
        return _thaw(key, drivers) and held


def _awaited(key: str, volume_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the volumes of the guest whose snapshots are to be of the same moment, and not made yet."""
    return {
        other
        for other in snapshots.awaited(volume_id=volume_id)
        if any(key in guests for guests in _guests(other).values())
    }


def _expire(key: str, drivers: HostDrivers, known: _Frozen | None) -> None:
    """Nobody has let it go for too long."""
    place = drivers.host, key
    with _locks[place]:
        if known is not None and _frozen.get(place) is known:
            del _frozen[place]
            _thaw(key, drivers)


def _thaw_forgotten(key: str, drivers: HostDrivers) -> bool:
    place = drivers.host, key
    with _locks[place]:
        return place not in _frozen and _thaw(key, drivers)


def _thaw(key: str, drivers: HostDrivers) -> bool:
    """One that does not thaw keeps its note: recovery tries again."""
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
