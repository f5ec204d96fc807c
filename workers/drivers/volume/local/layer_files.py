"""Makes the files of layers. Every call of qemu-img says the format; none looks into a file that a guest wrote."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers import blank_qcow2
from workers.drivers.errors import Stopped
from workers.drivers.volume.errors import PoolFull, PoolUnavailable, SourceUnavailable
from workers.drivers.volume.local import records
from workers.system import files, processes

_LIMITS: dict[str, Any] = {"timeout_s": 60, "memory_limit_mib": 1024, "cpu_limit_s": 30}
COPY_TIMEOUT_S = 3 * 3600.0
Poll = Callable[[], object]


@contextmanager
def on_disk() -> Iterator[None]:
    """Let no OSError out of the block."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PoolFull("The host has no space for the volume.", details=str(error)) from error
        raise PoolUnavailable("The host's disk refused.", details=str(error)) from error


def make_blank(path: Path, size: int) -> None:
    """Make a layer that reads as zeros and takes space as it is written."""
    _write_new(path, size)


def make_overlay(path: Path, below: str, size: int) -> int:
    """Make a layer on the layer `below`, a file beside it: named without a path, so that links may lie elsewhere.

    Nothing opens the layer below: a guest writes to it at this moment, maybe. Returns when it was last written to, in
    nanoseconds.
    """
    _write_new(path, size, (below, records.format_of(below)))
    return path.stat().st_mtime_ns


def _write_new(path: Path, size: int, backing: tuple[str, str] | None = None) -> None:
    """Write a layer without data. `qemu-img create` takes longer to start than this to write the same."""
    with files.appearing(path, durable=True) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as stream:
            if records.format_of(path.name) == "qcow2":
                stream.write(blank_qcow2.content(size, backing))
            else:
                stream.truncate(size)


def flatten(source: Path, path: Path, size: int, poll: Poll | None = None) -> None:
    """Copy the content of a layer, with all below it, into one sparse file of `size` bytes.

    `poll` may raise, and end it. The headers of layers are the host's own: they name the layers below, beside them.
    """
    with files.appearing(path, durable=True) as temporary:
        argv = ["qemu-img", "convert", "-q", "-f", records.format_of(source.name), "-O", records.format_of(path.name)]
        limits = {"timeout_s": COPY_TIMEOUT_S, "memory_limit_mib": 4096, "poll": poll}
        _run([*argv, str(source), str(temporary)], limits)
        if records.format_of(path.name) == "raw":
            os.truncate(temporary, size)
        else:
            _tool("resize", "qcow2", str(temporary), str(size))


def name_below(path: Path, below: str) -> None:
    """Write into a layer's header what is below it now."""
    _tool("rebase", "qcow2", "-u", "-F", records.format_of(below), "-b", below, str(path))


def copy_raw(source: Path, path: Path, poll: Poll | None = None) -> None:
    """Copy a raw file byte by byte, sharing its blocks where the file system can. `poll` may raise, and end it."""
    with files.appearing(path, durable=True) as temporary:
        argv = ["cp", "--reflink=auto", "--sparse=always", "--", str(source), str(temporary)]
        _run(argv, {"timeout_s": COPY_TIMEOUT_S, "poll": poll})


def link(source: Path, path: Path) -> None:
    """Give a layer a second name. On another file system: a copy. Raises SourceUnavailable when it is gone."""
    try:
        os.link(source, path, follow_symlinks=False)
    except FileExistsError:
        return
    except FileNotFoundError as error:
        raise SourceUnavailable("The volume's source is not on the host.", details=str(error)) from error
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
            raise
        with files.appearing(path, 0o400, durable=True) as temporary:
            shutil.copyfile(source, temporary)


def _tool(command: str, disk_format: str, *argv: str) -> None:
    _run(["qemu-img", command, "-q", "-f", disk_format, *argv], _LIMITS)


def _run(argv: list[str], limits: dict[str, Any]) -> None:
    try:
        processes.run(argv, **limits)
    except processes.ProcessError as error:
        if "No space left" in error.details:
            raise PoolFull("The host has no space for the volume.", details=error.details) from error
        raise PoolUnavailable("The host could not make the volume.", details=error.details) from error


def poll_of(stop: Event | None) -> Poll | None:
    """Return what ends a copy once `stop` is set."""
    if stop is None:
        return None

    def poll() -> None:
        if stop.is_set():
            raise Stopped("The operation was stopped.")

    return poll
