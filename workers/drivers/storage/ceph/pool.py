"""A pool as servers' disks use it: what it refuses, in the words of the contract, and data that is copied into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workers.drivers.cluster_errors import Errors, translated
from workers.drivers.storage.errors import (
    DiskTooSmall,
    FilesMissing,
    ImageUnavailable,
    NotEnoughSpace,
    StorageUnavailable,
)
from workers.system import processes
from workers.system.ceph.access import LONG_S, ClusterImage, PoolAccess

_ERRORS: Errors = {
    "absent": (FilesMissing, "The disk of the server is not in the pool."),
    "no-source": (ImageUnavailable, "The image is not in the pool any more."),
    "too-small": (DiskTooSmall, "The disk is too small for its source."),
    "busy": (StorageUnavailable, "Another operation on the server's disks is under way."),
    "full": (NotEnoughSpace, "The pool has no space for the server's disks."),
    "unavailable": (StorageUnavailable, "The storage cluster refused."),
}


class DiskPool(PoolAccess):
    """A pool with the errors of servers' disks."""

    def do(self, what: str, **arguments: Any) -> Any:
        """Have something done in the pool. Raises what the contract says."""
        with translated(_ERRORS):
            return self.call(what, **arguments)

    def guest_disk(self, image: str) -> ClusterImage:
        with translated(_ERRORS):
            return super().guest_disk(image)

    def fill(self, source: tuple[str, str], image: str, check: Callable[[], object] | None) -> None:
        """Copy data, of a format and a name that QEMU knows, into an image that is there. What `check` raises ends it.

        Raises StorageUnavailable.
        """
        with translated(_ERRORS):
            self.configure()
        argv = ["qemu-img", "convert", "-q", "-n", "-f", source[0], "-O", "raw", source[1], self.url(image)]
        try:
            processes.run(argv, timeout_s=LONG_S, memory_limit_mib=4096, poll=check, dies_with_caller=True)
        except processes.ProcessError as error:
            raise StorageUnavailable("The host could not copy the data.", details=error.details) from error
