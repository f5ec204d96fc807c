"""The part of the hypervisor contract that is about encrypted volumes: their passphrases, in memory alone."""

from __future__ import annotations

from abc import ABC, abstractmethod


class KeyOperations(ABC):
    """A disk with a `DiskSpec.key` is opened with the passphrase that is kept for this ID, the volume's.

    The rules of `HypervisorDriver` hold.
    """

    @abstractmethod
    def keep_key(self, volume_id: str, passphrase: str) -> None:
        """Have the volume's passphrase, for disks that are plugged, and servers that are powered on, from now on.

        It is on no disk, and told to nobody. A restart of the hypervisor's daemon, or of the host, forgets it; guests
        that run go on.
        """

    @abstractmethod
    def forget_key(self, volume_id: str) -> None:
        """Forget it. Absent is success. A guest that has the disk goes on."""

    @abstractmethod
    def kept_keys(self) -> tuple[str, ...]:
        """Return the volumes whose passphrases this driver's cloud has here, in no order."""
