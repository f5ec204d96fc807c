"""A pool as volumes use it: what it refuses, in the words of the contract, and copies of data."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers.cluster_errors import Errors, translated
from workers.drivers.errors import Stopped
from workers.drivers.volume.errors import (
    NotUnmanaged,
    PoolBusy,
    PoolFull,
    PoolUnavailable,
    SnapshotNotFound,
    SourceUnavailable,
    VolumeInUse,
    VolumeNotFound,
    VolumeTooSmall,
)
from workers.drivers.volume.specs import GuestDisk
from workers.system import processes
from workers.system.ceph.access import LONG_S, PoolAccess

GIB = 1 << 30
_ERRORS: Errors = {
    "absent": (VolumeNotFound, "The volume is not in the pool."),
    "no-source": (SourceUnavailable, "The volume's source is not in the pool."),
    "no-snapshot": (SnapshotNotFound, "The volume has no such snapshot."),
    "too-small": (VolumeTooSmall, "The volume would be smaller than its source, or than it is."),
    "busy": (PoolBusy, "Another operation on the volume is under way."),
    "open": (VolumeInUse, "A client of the storage cluster has the volume open."),
    "unmanaged": (NotUnmanaged, "The pool has no such volume."),
    "taken": (NotUnmanaged, "The pool has something of this name already."),
    "full": (PoolFull, "The pool has no space for the volume."),
    "unavailable": (PoolUnavailable, "The storage cluster refused."),
}


class Cluster(PoolAccess):
    """A pool with the errors of volumes."""

    def do(self, what: str, **arguments: Any) -> Any:
        """Have something done in the pool. Raises what the contract says."""
        with translated(_ERRORS):
            return self.call(what, **arguments)

    def guest_disk(self, image: str) -> GuestDisk:
        with translated(_ERRORS):
            return super().guest_disk(image)

    def convert(
        self, source: tuple[str, str], target: tuple[str, str], stop: Event | None, reserve_gib: int = 0
    ) -> None:
        """Copy data between a file and an image that is there; each is a format and a name.

        `reserve_gib` of a file's file system stay free. Raises Stopped, PoolFull.
        """

        def poll() -> None:
            if not there and shutil.disk_usage(Path(target[1]).parent).free < reserve_gib << 30:
                raise PoolFull("The host has no space for the copy.", details=target[1])
            if stop is not None and stop.is_set():
                raise Stopped("The operation was stopped.")

        with translated(_ERRORS):
            self.configure()
        there = ["-n"] if target[1].startswith("rbd:") else []
        argv = ["qemu-img", "convert", "-q", *there, "-f", source[0], "-O", target[0], source[1], target[1]]
        try:
            processes.run(argv, timeout_s=LONG_S, memory_limit_mib=4096, poll=poll, dies_with_caller=True)
        except processes.ProcessError as error:
            if there and not source[1].startswith("rbd:") and not Path(source[1]).exists():
                raise SourceUnavailable("The image is not on the host.", details=error.details) from error
            raise PoolUnavailable("The host could not copy the data.", details=error.details) from error
