"""The storage contract's part about disks that every host sees: in a pool, and not in files of a host.

A driver without such disks (`capabilities.shared` False) has none: what is here does nothing then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.drivers.storage.errors import FilesMissing
from workers.system.ceph.access import ClusterImage

if TYPE_CHECKING:
    from workers.drivers.storage.base import CachedImage, Disk, ImageSource, ImageSpec, Progress


class SharedOperations:
    """Operations on the disks of a pool. `remove_server` takes a host's own files away, and leaves these."""

    def guest_disk(self, disk: Disk) -> ClusterImage:
        """Return what a guest needs to have a disk of the pool. Raises FilesMissing for a file."""
        raise FilesMissing("The disk is a file of its host.", details=disk.path)

    def pooled_disks(self, server_id: str) -> tuple[Disk, ...]:
        """Return the server's disks of the pool that this host has, by its records."""
        return ()

    def missing_disks(self) -> tuple[str, ...]:
        """The ids of the servers of this host of which a disk is not in the pool any more."""
        return ()

    def mark_root(self, server_id: str) -> None:
        """Remember the root disk as it is in this moment, while a guest writes to it: `snapshot_root` copies that then.

        The server's snapshot was prepared before; `remove_snapshot` forgets it.
        """
        raise FilesMissing("The server has no disk in a pool.", details=server_id)

    def marked_root(self, server_id: str) -> str:
        """Where the root disk is as it was remembered, "pool/image@snapshot", for a clone of it; "" without that."""
        return ""

    def take_disks(self, server_id: str) -> bool:
        """Have the server's disks on this host, as its former one is lost: that may not write to them any more.

        False: it has none in the pool. Call it while no guest here has them open.
        """
        return False

    def delete_disks(self, server_id: str) -> None:
        """Delete the server's disks from the pool, with what is kept of them; who has one open still may write no more.

        Absent is success. The caller knows that no host is to have them again.
        """

    def list_disks(self) -> tuple[str, ...]:
        """The ids of the servers that have disks in the pool, wherever they are."""
        return ()

    def kept_in_pool(self) -> dict[str, str]:
        """The servers of which the pool keeps disks of before a move, and for which hosts."""
        return {}

    def owns_disks(self, server_id: str) -> bool:
        """Whether the server's disks in the pool are this cloud's: others may use the pool, too."""
        return False

    def cache_file(self, image: ImageSpec, source: ImageSource, progress: Progress | None = None) -> CachedImage:
        """Have the image as a file in this host's cache, as `cache_image` does where there is no pool."""
        raise NotImplementedError
