"""Named locks of one host: between its processes by flock, between threads by keyed mutexes."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.02


class LockTimeout(Exception):
    """Somebody else kept the lock for longer than the caller was ready to wait."""


class KeyedLocks:
    """A mutex per key within this process; a key's mutex exists only while somebody holds or awaits it."""

    def __init__(self) -> None:
        """Begin with no keys."""
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def hold(self, key: str, timeout_s: float = -1) -> Iterator[None]:
        """Hold the mutex of `key` for the block. Raises LockTimeout after `timeout_s` seconds (-1: never)."""
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, users + 1)
        try:
            if not lock.acquire(timeout=timeout_s):
                raise LockTimeout(key)
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                lock, users = self._locks[key]
                if users == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = (lock, users - 1)

    def __len__(self) -> int:
        """How many keys are held or awaited now."""
        return len(self._locks)


_in_process = KeyedLocks()


@contextmanager
def host_lock(directory: Path, name: str, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock `name` among all threads and processes that use `directory`, for the block.

    The kernel drops it when the process dies, however it dies. The lock file is removed by its last holder. Raises
    LockTimeout after `timeout_s` seconds. Not re-entrant.
    """
    path = directory / _file_name(name)
    deadline = time.monotonic() + timeout_s
    with _in_process.hold(str(path), max(0.0, timeout_s)):
        handle = _acquire(path, deadline)
        try:
            yield
        finally:
            # Removed while held: a process that opened the old file notices, once it has the lock, that the name refers
            # to another file, and tries again (_acquire).
            path.unlink(missing_ok=True)
            os.close(handle)


def _file_name(name: str) -> str:
    """The name itself if it is a plain file name, else its hash."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    if plain.isalnum() and plain.isascii() and not name.startswith(".") and len(name) <= 200:
        return f"{name}.lock"
    return f"{hashlib.sha256(name.encode()).hexdigest()}.lock"


def _acquire(path: Path, deadline: float) -> int:
    while True:
        handle = _open(path)
        try:
            if _try_flock(handle) and _is_same_file(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if time.monotonic() >= deadline:
            raise LockTimeout(path.name)
        time.sleep(_POLL_S)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def _try_flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EINTR):
            return False
        raise
    return True


def _is_same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
