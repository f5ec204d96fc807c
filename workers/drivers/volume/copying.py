"""Copies what one export has to another one."""

from __future__ import annotations

from threading import Event
from urllib.parse import quote

from workers.drivers.errors import Stopped
from workers.drivers.volume.errors import PoolFull, PoolUnavailable
from workers.drivers.volume.overwriting import TIMEOUT_S
from workers.drivers.volume.specs import Export
from workers.system import processes


def copy(source: Export, target: Export, stop: Event | None = None, *, is_blank: bool = True) -> None:
    """Let the target read as the source does. Of one that ``is_blank``, it reads as zeros, no zeros are written.

    Raises PoolFull, PoolUnavailable, Stopped.
    """

    def check() -> None:
        if stop is not None and stop.is_set():
            raise Stopped("The copy was stopped.")

    zero = ["--target-is-zero"] if is_blank else []
    argv = ["qemu-img", "convert", "-q", "-n", *zero, "-f", "raw", "-O", "raw", _url(source), _url(target)]
    try:
        processes.run(argv, timeout_s=TIMEOUT_S, memory_limit_mib=4096, poll=check)
    except processes.ProcessError as error:
        if "No space left" in error.details:
            raise PoolFull("The host has no space for the volume.", details=error.details) from error
        raise PoolUnavailable("The volume could not be copied.", details=error.details) from error


def _url(export: Export) -> str:
    return f"nbd+unix:///{export.name}?socket={quote(export.socket)}"
