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

from workers.drivers.hypervisor.base import Event, WatchCallback

_log = logging.getLogger(__name__)
_FRESH_NS = 100_000_000  # a directory changed so lately may change again without its time showing it

_WORDS: dict[tuple[str, str], Event] = {
    ("paused", "running"): Event.RESUMED,
    ("running", "paused"): Event.PAUSED,
}
_ARRIVALS: dict[str, Event] = {
    "running": Event.STARTED,
    "paused": Event.PAUSED,
    "shutdown": Event.STOPPED,
    "crashed": Event.CRASHED,
}


def word_for(before: str, after: str) -> Event | None:
    """The event between two power states; a server that is not there counts as off."""
    if before == after or {before, after} <= {"shutdown", "nostate", "crashed"}:
        return None
    return _WORDS.get((before, after)) or _ARRIVALS.get(after)


@dataclass(slots=True)
class _Watched:
    directory: Path
    callback: WatchCallback
    interval_s: float
    due: float = 0.0
    seen_ns: int = -1
    states: dict[str, tuple[int, str]] = field(default_factory=dict)


class Poller:
    """The thread, and whom it serves."""

    def __init__(self) -> None:
        """Begin with nobody; the thread starts with the first."""
        self._guard = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._serial = itertools.count()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._pid = os.getpid()

    def add(self, directory: Path, callback: WatchCallback, interval_s: float) -> Callable[[], None]:
        """Tell `callback` of what changes in `directory` from now on. Returns what ends it."""
        item = _Watched(directory, callback, interval_s)
        for _ in _changes(item):
            continue  # what is there already is no news
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
                    _tell(item)
            pause = min(item.due for item in items) - time.monotonic()
            self._wake.wait(max(0.01, pause))
            self._wake.clear()


def _tell(item: _Watched) -> None:
    for server_id, word in _changes(item):
        try:
            item.callback(server_id, word)
        except Exception:
            _log.exception("a watcher failed over %s of %s", word, server_id)


def _changes(item: _Watched) -> list[tuple[str, Event]]:
    """What changed since the last look. A look at a directory that did not change is one stat."""
    try:
        changed_ns = os.stat(item.directory).st_mtime_ns
    except FileNotFoundError:
        changed_ns = -2
    if changed_ns == item.seen_ns:
        return []
    before = item.states
    item.states = _states(item.directory, before)
    item.seen_ns = changed_ns if time.time_ns() - changed_ns > _FRESH_NS else -1
    found = []
    for server_id in before.keys() | item.states.keys():
        word = word_for(before.get(server_id, (0, "shutdown"))[1], item.states.get(server_id, (0, "shutdown"))[1])
        if word is not None:
            found.append((server_id, word))
    return found


def _states(directory: Path, known: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """Power states by server, with the inode they were read from: a record that changes becomes a new file."""
    states: dict[str, tuple[int, str]] = {}
    try:
        with os.scandir(directory) as entries:
            names = [(item.name, item.inode(), item.path) for item in entries]
    except FileNotFoundError:
        return states
    for name, inode, path in names:
        if not name.endswith(".json") or name.startswith("."):
            continue
        server_id = name[:-5]
        state = known.get(server_id)
        if state is None or state[0] != inode:
            read = _read_state(path)
            state = (inode, read) if read is not None else None
        if state is not None:
            states[server_id] = state
    return states


def _read_state(path: str) -> str | None:
    try:
        with open(path, "rb") as stream:
            return str(json.load(stream)["power_state"])
    except (OSError, ValueError, KeyError):
        return None


POLLER = Poller()
"""The process's one."""
