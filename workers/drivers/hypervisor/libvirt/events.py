"""Reports domain events to watchers: from libvirt's events, and by comparison after a reconnection."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

import libvirt

from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import Event, PowerState, WatchCallback
from workers.drivers.hypervisor.libvirt import domains
from workers.drivers.hypervisor.libvirt.connection import Connection

_log = logging.getLogger(__name__)
_CHECK_S = 1.0

_EVENTS: dict[int, Event] = {
    libvirt.VIR_DOMAIN_EVENT_STARTED: Event.STARTED,
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: Event.PAUSED,
    libvirt.VIR_DOMAIN_EVENT_RESUMED: Event.RESUMED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED: Event.STOPPED,
    libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: Event.SHUTDOWN,
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: Event.PAUSED,
    libvirt.VIR_DOMAIN_EVENT_CRASHED: Event.CRASHED,
}
_CRASHES = (libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED)

# Which states an event may change into which.
_BY_STATE: dict[PowerState, Event] = {
    PowerState.RUNNING: Event.STARTED,
    PowerState.PAUSED: Event.PAUSED,
    PowerState.SUSPENDED: Event.PAUSED,
    PowerState.SHUTDOWN: Event.STOPPED,
    PowerState.CRASHED: Event.CRASHED,
}


def word_for(event: int, detail: int) -> Event | None:
    """Translate libvirt's lifecycle event to the contract's; None for events that watchers do not need.

    A domain that left by live migration runs elsewhere: it did not stop.
    """
    if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
        if detail == libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
            return None
        return Event.CRASHED if detail in _CRASHES else Event.STOPPED
    return _EVENTS.get(event)


class Watchers:
    """The watchers and the thread that calls them. libvirt's own thread only queues events."""

    def __init__(self, connection: Callable[[], Connection], home: str) -> None:
        """Start without watchers; `connection` returns the driver's connection when needed."""
        self._connection = connection
        self._home = home
        self._callbacks: list[WatchCallback] = []
        self._queue: queue.SimpleQueue[tuple[str, Event] | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._known: dict[str, PowerState] = {}
        self._seen: libvirt.virConnect | None = None

    def add(self, callback: WatchCallback) -> Callable[[], None]:
        """Start calling `callback`. Returns the function that ends it. Raises HypervisorUnavailable; then the watcher
        is not registered.
        """
        self._synchronise(tell=bool(self._callbacks))
        with self._guard:
            self._callbacks.append(callback)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="libvirt-watch", daemon=True)
                self._thread.start()

        def remove() -> None:
            with self._guard:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

        return remove

    def register(self, connection: libvirt.virConnect) -> None:
        """Listen on a new connection."""
        connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._heard, None)

    def close(self) -> None:
        """Forget everybody and end the thread."""
        with self._guard:
            self._callbacks.clear()
            thread, self._thread = self._thread, None
            self._seen = None
        if thread is not None and thread is not threading.current_thread():
            self._queue.put(None)
            thread.join(5)

    def _heard(
        self,
        _connection: libvirt.virConnect,
        domain: libvirt.virDomain,
        event: int,
        detail: int,
        _opaque: object,
    ) -> None:
        word = word_for(event, detail)
        if word is not None and self._callbacks:
            self._queue.put((domain.UUIDString(), word))

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=_CHECK_S)
            except queue.Empty:
                self._catch_up()
                continue
            if item is None:
                return
            self._report(*item)

    def _catch_up(self) -> None:
        """Reopen a broken connection and report what changed in between."""
        try:
            self._synchronise(tell=True)
        except (DriverError, libvirt.libvirtError) as error:
            _log.debug("the hypervisor is away: %s", error)

    def _synchronise(self, *, tell: bool) -> None:
        current = self._connection().get()
        if current is self._seen:
            return
        now = dict(
            domains.survey(current, self._home, lambda domain: (domain.UUIDString(), domains.power_state(domain)))
        )
        before, self._known, self._seen = self._known, now, current
        if not tell:
            return
        for server_id in before.keys() | now.keys():
            state = now.get(server_id, PowerState.SHUTDOWN)
            word = _BY_STATE.get(state)
            if word is not None and before.get(server_id, PowerState.SHUTDOWN) != state:
                self._call(server_id, word)

    def _report(self, server_id: str, word: Event) -> None:
        if server_id not in self._known and not self._is_ours(server_id):
            return
        self._known[server_id] = _STATES_AFTER.get(word, self._known.get(server_id, PowerState.RUNNING))
        self._call(server_id, word)

    def _is_ours(self, server_id: str) -> bool:
        try:
            return domains.find(self._connection().get(), server_id, self._home) is not None
        except (DriverError, libvirt.libvirtError):
            return False

    def _call(self, server_id: str, word: Event) -> None:
        with self._guard:
            callbacks = tuple(self._callbacks)
        for callback in callbacks:
            try:
                callback(server_id, word)
            except Exception:
                _log.exception("a watcher failed over %s of %s", word, server_id)


_STATES_AFTER: dict[Event, PowerState] = {
    Event.STARTED: PowerState.RUNNING,
    Event.RESUMED: PowerState.RUNNING,
    Event.PAUSED: PowerState.PAUSED,
    Event.STOPPED: PowerState.SHUTDOWN,
    Event.CRASHED: PowerState.SHUTDOWN,
}
