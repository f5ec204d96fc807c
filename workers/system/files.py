"""Files that are whole or not there: written beside their name, then renamed onto it."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_serial = itertools.count()
TEMPORARY_PREFIX = ".part-"
"""Prefix of unfinished files; listings skip these."""


@contextmanager
def appearing(path: Path, mode: int = 0o600, *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary path in the same directory; when the block ends well, rename it to `path` with `mode`.

    When the block raises, nothing is left. `durable` flushes to disk before the rename, so that the file survives a
    power cut; without it, it survives a killed process only.
    """
    temporary = path.parent / f"{TEMPORARY_PREFIX}{os.getpid()}-{threading.get_ident()}-{next(_serial)}"
    try:
        yield temporary
        os.chmod(temporary, mode)
        if durable:
            _flush(temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def write(path: Path, data: bytes, mode: int = 0o600, *, durable: bool = False) -> None:
    """Write a whole file at once; readers see the old content or the new. The directory must exist."""
    with appearing(path, mode, durable=durable) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as stream:
            stream.write(data)


def replace(path: str, data: bytes) -> None:
    """Write a small file at once with mode 0600, in as few system calls as can be: for records by the thousand."""
    directory, slash, _ = path.rpartition("/")
    temporary = f"{directory}{slash}{TEMPORARY_PREFIX}{os.getpid()}-{threading.get_ident()}-{next(_serial)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, data)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(handle)


def abandoned(directory: Path) -> list[Path]:
    """The unfinished files of `appearing` and `replace` in a directory whose process is gone."""
    paths = []
    for path in directory.glob(f"{TEMPORARY_PREFIX}*-*-*"):
        pid = path.name.removeprefix(TEMPORARY_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            paths.append(path)
    return paths


def read(path: Path) -> bytes | None:
    """A file's bytes, or None if it does not exist."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def make_directory(path: Path, mode: int) -> None:
    """Make a directory (and its parents) with exactly `mode`, whatever the umask. One that exists gets `mode`."""
    path.mkdir(parents=True, exist_ok=True)
    if (path.stat().st_mode & 0o7777) != mode:
        path.chmod(mode)


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it, without following links out of it. Absent is success."""
    with suppress(FileNotFoundError):
        shutil.rmtree(path)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
