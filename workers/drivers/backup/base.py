"""The backup contract: the content of volumes in a store, whole or as changes since an earlier backup.

Rules that hold for every method of every driver:

- Everything is idempotent: asked twice, the second call finds the work done and succeeds.
- Removing something absent is success.
- A backup exists once all of it is in the store. What a call that failed has left counts as none, and is overwritten by
  the next one of the same id, or removed with it.
- Failures are `RetryableError` (this host cannot) or `AbortError` (no host can).
- A call with `stop` ends within 5 s after that is set, with Stopped.
- Nothing is opened when a driver is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Event

from workers.drivers.backup.specs import BackupInfo as BackupInfo
from workers.drivers.backup.specs import BackupSpec as BackupSpec
from workers.drivers.backup.specs import Disk as Disk


class BackupDriver(ABC):
    """One store. Made by `workers.drivers.backup.loader.load(name, options)`."""

    @abstractmethod
    def create_backup(self, backup: BackupSpec, disk: Disk, stop: Event | None = None) -> BackupInfo:
        """Read a disk, which nobody writes to, into the store.

        Success: the backup is whole. Raises BackupMissing (its parent is not there), StoreFull, StoreUnavailable.
        """

    @abstractmethod
    def restore_backup(self, backup_id: str, disk: Disk, stop: Event | None = None) -> None:
        """Write a backup to a disk, which nobody else uses. What the disk has beyond the backup's size stays.

        Success: every byte was compared with its digest and flushed. A failure leaves the disk half written. Raises
        BackupMissing, BackupDamaged, VolumeTooSmall, StoreUnavailable.
        """

    @abstractmethod
    def delete_backup(self, backup_id: str) -> None:
        """Remove a backup, whole or not. The caller knows that no other backup is based on it."""

    @abstractmethod
    def find_backup(self, backup_id: str) -> BackupInfo | None:
        """Return what the store has of a backup; None unless it is whole."""

    @abstractmethod
    def list_backups(self) -> tuple[str, ...]:
        """List the ids of which the store has anything."""
