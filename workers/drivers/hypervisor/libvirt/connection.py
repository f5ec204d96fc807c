"""The connection to libvirt's daemon: opened by the first call, opened again when the daemon restarts."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import libvirt

from workers.drivers.hypervisor.errors import HypervisorUnavailable
from workers.drivers.hypervisor.libvirt.failures import is_broken_connection, translate

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_KEEPALIVE_INTERVAL_S = 5
_KEEPALIVE_COUNT = 3
_PATIENCE_S = 5.0
_RETRY_S = 0.2

_loop_guard = threading.Lock()
_loop_pid: int | None = None


def _run_event_loop() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            _log.exception("libvirt's event loop stumbled")


def ensure_event_loop() -> None:
    """Register libvirt's event loop and run it on a separate thread; once per process, before any connection.

    Raises HypervisorUnavailable in a child of a process that had the loop: its thread does not survive the fork, and
    libvirt cannot register a second loop.
    """
    global _loop_pid
    with _loop_guard:
        if _loop_pid == os.getpid():
            return
        if _loop_pid is not None:
            raise HypervisorUnavailable(
                "The hypervisor cannot be reached.",
                details="libvirt was opened before this process was forked",
            )
        libvirt.virEventRegisterDefaultImpl()
        libvirt.registerErrorHandler(lambda _context, _error: None, None)  # errors are raised: not printed as well
        threading.Thread(target=_run_event_loop, name="libvirt-events", daemon=True).start()
        _loop_pid = os.getpid()


class Connection:
    """One connection, shared by all threads of the process (libvirt's connections are made for it)."""

    def __init__(self, uri: str, on_open: Callable[[libvirt.virConnect], None]) -> None:
        """Remember where to connect. `on_open` is called with each new connection, before anybody else has it."""
        self.uri = uri
        self._on_open = on_open
        self._guard = threading.Lock()
        self._current: libvirt.virConnect | None = None
        self._pid = os.getpid()
        self._patient_until = 0.0

    def get(self) -> libvirt.virConnect:
        """The connection, opened if it is not open. Raises HypervisorUnavailable.

        A daemon that went away a moment ago is given the time to restart: an upgrade must not fail what is being built.
        """
        while True:
            try:
                return self._get()
            except HypervisorUnavailable:
                if time.monotonic() >= self._patient_until:
                    raise
            time.sleep(_RETRY_S)

    def _get(self) -> libvirt.virConnect:
        with self._guard:
            if self._pid != os.getpid():  # another process's socket: leave it to its owner
                self._current, self._pid = None, os.getpid()
            if self._current is None:
                self._current = self._open()
            return self._current

    def run(self, work: Callable[[libvirt.virConnect], _T]) -> _T:
        """Call `work` with the connection; repeat it on a new one if the old one is dead.

        So `work` has to be idempotent. Lets libvirtError through when it is not about the connection.
        """
        current = self.get()
        try:
            return work(current)
        except libvirt.libvirtError as error:
            if not is_broken_connection(error):
                raise
            _log.warning("the connection to %s broke: %s", self.uri, error.get_error_message())
            self.drop(current)
        return work(self.get())

    def drop(self, broken: libvirt.virConnect) -> None:
        """Forget a connection that broke, unless a new one took its place already."""
        with self._guard:
            if self._current is broken:
                self._current = None
                self._patient_until = time.monotonic() + _PATIENCE_S

    def close(self) -> None:
        """Close the connection; the next `get` opens another."""
        with self._guard:
            current, self._current = self._current, None
        if current is not None and self._pid == os.getpid():
            try:
                current.unregisterCloseCallback()
                current.close()
            except libvirt.libvirtError:
                _log.debug("closing %s", self.uri, exc_info=True)

    def _open(self) -> libvirt.virConnect:
        ensure_event_loop()
        try:
            opened = libvirt.open(self.uri)
            opened.setKeepAlive(_KEEPALIVE_INTERVAL_S, _KEEPALIVE_COUNT)
            opened.registerCloseCallback(self._closed, None)
            self._on_open(opened)
        except libvirt.libvirtError as error:
            raise translate(error, HypervisorUnavailable) from error
        return opened

    def _closed(self, broken: libvirt.virConnect, reason: int, _opaque: object) -> None:
        _log.warning("the connection to %s was closed (reason %s)", self.uri, reason)
        self.drop(broken)
