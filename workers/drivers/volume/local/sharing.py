"""What hosts see of each other in a directory that all have mounted: locks of volumes, and files that QEMU has open."""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from workers.system import locks

LOCKS = ".celerity-locks"
_FLOCK = "hhqqi4x"
_WRITES = 101  # QEMU locks this byte of a file that it may write to (block/file-posix.c)
_F_OFD_GETLK = 36


def lock(root: Path, volume_id: str, timeout_s: float) -> AbstractContextManager[None]:
    """Hold a volume's lock among all hosts. The file system passes locks on, as NFS 4 does, or they are this host's.

    Without the directory (it is not mounted) there is nothing to lock. Raises LockTimeout.
    """
    if not root.is_dir():
        return nullcontext()
    return locks.host_lock(root / LOCKS, f"volume-{volume_id}", timeout_s=timeout_s)


def is_written(path: Path) -> bool:
    """Say whether a QEMU process of any host has a file open that it may write to."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _WRITES, 1, 0)
        answer = fcntl.fcntl(handle, _F_OFD_GETLK, asked)
    finally:
        os.close(handle)
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
