"""Who watches simulated servers: one thread for all hosts of the process, which looks at directories that changed."""

from __future__ import annotations

import itertools
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workers.drivers.hypervisor.base import Event, WatchCallback

_log = logging.getLogger(__name__)
_FRESH_NS = 100_000_000  # a directory changed so lately may change again without its time showing it

_OFF = ("shutdown", "nostate", "crashed", "suspended")
_ARRIVALS: dict[str, Event] = {
    "running": Event.STARTED,
    "paused": Event.PAUSED,
    "shutdown": Event.STOPPED,
    "suspended": Event.STOPPED,
    "crashed": Event.CRASHED,
}


class Seen(NamedTuple):
    """A server's last seen record: time of writing (0 if too recent to compare), state and boots."""

    written_ns: int
    state: str
    boots: int


_ABSENT = Seen(0, "shutdown", 0)


def words_between(before: Seen, after: Seen) -> tuple[Event, ...]:
    """Return the events between two checks, including an unseen power cycle. A missing server counts as off."""
    cycled = after.boots > before.boots
    arrived = _ARRIVALS.get(after.state)
    if after.state in _OFF:
        news = before.state not in _OFF or cycled or (after.state == "crashed" and before.state != "crashed")
        return (arrived,) if arrived is not None and news else ()
    if before.state in _OFF:
        return (Event.STARTED,) if after.state == "running" else (Event.STARTED, Event.PAUSED)
    if cycled:
        return (Event.STOPPED, Event.STARTED)
    if before.state == after.state or arrived is None:
        return ()
    return (Event.RESUMED,) if after.state == "running" else (arrived,)


@dataclass(slots=True)
class _Watched:
    directory: Path
    callback: WatchCallback
    interval_s: float
    due: float = 0.0
    seen_ns: int = -1
    states: dict[str, Seen] = field(default_factory=dict)


class Poller:
    """The thread, and whom it serves."""

    def __init__(self) -> None:
        """Start without watchers; the first one starts the thread."""
        self._guard = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._serial = itertools.count()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._pid = os.getpid()

    def add(self, directory: Path, callback: WatchCallback, interval_s: float) -> Callable[[], None]:
        """Call `callback` for later changes in `directory`. Returns the function that ends it."""
        item = _Watched(directory, callback, interval_s)
        for _ in _changes(item):
            continue  # the current state is not an event
        with self._guard:
            key = next(self._serial)
            self._watched[key] = item
            if self._thread is None or not self._thread.is_alive() or self._pid != os.getpid():
                self._pid = os.getpid()
                self._thread = threading.Thread(target=self._run, name="simulated-watch", daemon=True)
                self._thread.start()
        self._wake.set()

        def end() -> None:
            with self._guard:
                self._watched.pop(key, None)

        return end

    def _run(self) -> None:
        while True:
            with self._guard:
                items = tuple(self._watched.values())
                if not items:
                    self._thread = None
                    return
            now = time.monotonic()
            for item in items:
                if item.due <= now:
                    item.due = now + item.interval_s
                    _report(item)
            pause = min(item.due for item in items) - time.monotonic()
            self._wake.wait(max(0.01, pause))
            self._wake.clear()


def _report(item: _Watched) -> None:
    for server_id, word in _changes(item):
        try:
            item.callback(server_id, word)
        except Exception:
            _log.exception("a watcher failed over %s of %s", word, server_id)


def _changes(item: _Watched) -> list[tuple[str, Event]]:
    """Return the changes since the last check. A look at a directory that did not change is one stat."""
    try:
        changed_ns = os.stat(item.directory).st_mtime_ns
    except FileNotFoundError:
        changed_ns = -2
    if changed_ns == item.seen_ns:
        return []
    before = item.states
    item.states = _states(item.directory, before)
    item.seen_ns = changed_ns if time.time_ns() - changed_ns > _FRESH_NS else -1
    changes: list[tuple[str, Event]] = []
    for server_id in before.keys() | item.states.keys():
        words = words_between(before.get(server_id, _ABSENT), item.states.get(server_id, _ABSENT))
        changes.extend((server_id, word) for word in words)
    return changes


def _states(directory: Path, known: dict[str, Seen]) -> dict[str, Seen]:
    """Return the current states by server. Records that are the same files as before are not read again."""
    states: dict[str, Seen] = {}
    for name in _listed(directory):
        path = directory / name
        try:
            written_ns = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # gone since it was listed
        seen = known.get(path.stem)
        if seen is None or seen.written_ns != written_ns:
            seen = _read(path, written_ns)
        if seen is not None:
            states[path.stem] = seen
    return states


def _listed(directory: Path) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if name.endswith(".json")]
    except FileNotFoundError:
        return []


def _read(path: Path, written_ns: int) -> Seen | None:
    try:
        with open(path, "rb") as stream:
            record = json.load(stream)
        settled_ns = written_ns if time.time_ns() - written_ns > _FRESH_NS else 0
        return Seen(settled_ns, str(record["power_state"]), int(record["boots"]))
    except (OSError, ValueError, KeyError):
        return None


POLLER = Poller()
"""The process's one."""
