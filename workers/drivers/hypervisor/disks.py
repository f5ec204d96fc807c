"""The part of the hypervisor contract that is about disks of servers that exist: volumes come and go, and grow."""

from __future__ import annotations

from abc import ABC, abstractmethod

from workers.drivers.hypervisor.live import CopyProgress
from workers.drivers.hypervisor.specs import DiskSpec


class DiskDriver(ABC):
    """Disks are known by their serial number: a volume's id. The rules of `HypervisorDriver` hold."""

    @abstractmethod
    def attach_disk(self, server_id: str, disk: DiskSpec) -> None:
        """Plug a disk into the server, for now and for each later power-on.

        Success: a guest that is on has the disk (also: it had it before). A domain that is off, or absent, gets it when
        it is defined for the next power-on. Failure (AttachFailed, NoFreeSlot): the server is without the disk.
        """

    @abstractmethod
    def detach_disk(self, server_id: str, serial: str, timeout_s: float) -> None:
        """Ask the guest to release the disk of this serial number, and wait up to `timeout_s` seconds until it has.

        Success: neither the guest nor its definition has the disk (also: it had none before, or there is no domain).
        Failure: GuestHoldsDevice when the guest did not release it in time; the server keeps the disk.
        """

    @abstractmethod
    def resize_disk(self, server_id: str, serial: str, size_bytes: int) -> None:
        """Let a guest that is on, or paused, see the new size of a disk that grew. One that is off sees it later.

        Raises AttachFailed.
        """

    @abstractmethod
    def resume_after_io_error(self, server_id: str, timeout_s: float) -> bool:
        """Let a guest run again that was paused because a disk failed, and that works again.

        Returns whether the guest runs after `timeout_s` seconds at most; a guest that fails again at once is paused
        again. One that is not paused because of a disk is left alone.
        """

    @abstractmethod
    def disks_of(self, server_id: str) -> tuple[str, ...]:
        """Return the serial numbers of the disks that the domain has, running or defined; none without a domain."""

    @abstractmethod
    def swap_disk(self, server_id: str, disk: DiskSpec, size_bytes: int, progress: CopyProgress | None = None) -> bool:
        """Let the guest's disk of this serial number be another volume, that of `disk`, from now on. `size_bytes`: of
        that; a guest sees as much as it saw, until its next power-on. It has the new one's limits.

        The guest runs on and writes meanwhile. Success: True, and the new volume has all that the old one had; the
        guest and its definition have it (also: they had it before). False: no guest is on with the disk, and nothing
        was copied.
        Failure: the guest runs on on the old volume, and the content of the new one is of no use. Raises CopyFailed.
        """

    @abstractmethod
    def disk_source(self, server_id: str, serial: str) -> str:
        """Return what the disk of this serial number opens, of a guest that is on, or as defined for the next power-on:
        the name of an export, or "pool/image"; "" without the disk.
        """
