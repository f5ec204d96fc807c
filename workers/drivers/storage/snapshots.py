"""The storage contract's second half: copies of servers' root disks, on their way to the image store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.drivers.storage.base import Disk, Progress


class SnapshotOperations(ABC):
    """Operations on the snapshots of one host's servers."""

    @abstractmethod
    def root(self, server_id: str) -> Disk:
        """Return the server's root disk. Raises FilesMissing."""

    @abstractmethod
    def prepare_snapshot(self, server_id: str) -> Disk:
        """Make the file for a snapshot of the server's root disk: qcow2, empty, as large as the disk.

        A server has one snapshot at a time: an earlier file is replaced. Raises FilesMissing, NotEnoughSpace.
        """

    @abstractmethod
    def snapshot_root(self, server_id: str, progress: Progress | None = None) -> Disk:
        """Copy the root disk of a server whose guest is off into its snapshot: qcow2, sparse, without a backing file.

        What `progress` raises ends the copy. Raises FilesMissing, NotEnoughSpace; then no snapshot is left.
        """

    @abstractmethod
    def snapshot_path(self, server_id: str) -> str:
        """Return where the server's snapshot is. Raises FilesMissing where there is none."""

    @abstractmethod
    def send_snapshot(self, server_id: str, url: str, progress: Progress | None = None) -> None:
        """Send the server's snapshot to an address by HTTP PUT. The address is the cloud's, and secret.

        What `progress` raises ends it. Raises FilesMissing, SendingFailed (retryable) and SnapshotRefused (abort).
        """

    @abstractmethod
    def check_reserve(self) -> None:
        """Raise NotEnoughSpace if the host has less free space than its reserve. Cheap: called while a copy grows."""

    @abstractmethod
    def remove_snapshot(self, server_id: str) -> None:
        """Remove the server's snapshot. Absent is success."""

    @abstractmethod
    def list_snapshots(self) -> tuple[str, ...]:
        """The ids of the servers that have a snapshot on this host."""
