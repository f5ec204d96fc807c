"""Copies a disk whose guest is off into one file without a backing file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.drivers.storage.base import Disk, Progress
from workers.drivers.storage.errors import NotEnoughSpace, StorageUnavailable
from workers.system import processes

_TIMEOUT_S = 3600
# It works long, and holds the disk's lock: without its agent nobody would end it.
_LIMITS: dict[str, Any] = {
    "timeout_s": _TIMEOUT_S, "cpu_limit_s": _TIMEOUT_S, "memory_limit_mib": 4096, "dies_with_caller": True,
}  # fmt: skip


def flatten(disk: Disk, target: Path, progress: Progress | None) -> None:
    """Write a disk's data to `target`, a qcow2 file: sparse, without a backing file.

    The format is the recorded one, and the backing file that which the host wrote into the disk's header: a guest
    writes to neither. Raises NotEnoughSpace, StorageUnavailable, and what `progress` raises.
    """
    argv = ["qemu-img", "convert", "-q", "-f", disk.format, "-O", "qcow2", disk.path, str(target)]
    try:
        processes.run(argv, **_LIMITS, poll=_poll(disk, target, progress))
    except processes.ProcessError as error:
        if os.strerror(errno.ENOSPC) in error.details:
            raise NotEnoughSpace("The host has no space for a snapshot.", details=error.details) from error
        raise StorageUnavailable("The host could not copy the disk.", details=error.details or error.message) from error


def _poll(disk: Disk, target: Path, progress: Progress | None) -> Callable[[], None] | None:
    if progress is None:
        return None

    def poll() -> None:
        done = target.stat().st_blocks * 512 if target.exists() else 0
        progress(min(done, disk.size_bytes), disk.size_bytes)

    return poll
