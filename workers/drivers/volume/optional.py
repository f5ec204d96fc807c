"""The optional parts of the volume contract. A driver names those that it has in its capabilities.

The rules of `base.py` hold for them too. A driver without a part refuses what changes something, and has nothing to
list: callers ask no class. `named` is the field of `Capabilities` that says whether a driver has the part.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import ClassVar

from workers.drivers.volume.errors import NotSupported
from workers.drivers.volume.specs import Format, GuestDisk, Unmanaged, VolumeInfo, VolumeSpec


class Converting:
    """Pools that keep volumes in several formats."""

    named: ClassVar[str] = "converts"

    def convert_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> None:
        """Keep a volume that is not exported, and has no snapshots, in another format. One that has it is success.

        Raises VolumeNotFound, VolumeInUse, PoolFull, PoolUnavailable, NotSupported.
        """
        raise NotSupported("The back end keeps volumes in one format.")


class Managing:
    """Pools whose volumes and snapshots are taken over, and released with their content."""

    named: ClassVar[str] = "manages"

    def list_unmanaged(self) -> tuple[Unmanaged, ...]:
        """List what the pool has and no volume is."""
        return ()

    def adopt_volume(self, volume: VolumeSpec, reference: str) -> VolumeInfo:
        """Make what the pool has under a name the volume.

        Raises NotUnmanaged, VolumeTooSmall, VolumeInUse (a client has it open), NotSupported.
        """
        raise NotSupported("The back end does not take volumes over.")

    def release_volume(self, volume_id: str, reference: str) -> None:
        """Release a volume that is not exported: it stays in the pool under a name. An absent one is success.

        Raises VolumeInUse, NotSupported.
        """
        raise NotSupported("The back end does not release volumes.")

    def rename_snapshot(self, volume_id: str, name: str, new: str) -> None:
        """Give a snapshot another name, which may be in use. One that has it already is success; names that begin with
        `unmanaged-` are not listed. Raises VolumeNotFound, SnapshotNotFound, NotSupported.
        """
        raise NotSupported("The back end does not release snapshots.")

    def list_unmanaged_snapshots(self, volume_id: str) -> tuple[Unmanaged, ...]:
        """List a volume's snapshots that were released, by their names."""
        return ()


class Direct:
    """Pools that guests of every host use without exports."""

    named: ClassVar[str] = "direct"

    def has_content(self, volume: VolumeSpec, in_pool: str) -> bool:
        """Whether the volume can be made of an image of a pool, "pool/image": its file is not needed then."""
        return False

    def guest_disk(self, volume_id: str) -> GuestDisk | None:
        """Return how a guest of this host uses the volume by itself; None: it needs an export.

        Raises VolumeNotFound, PoolUnavailable.
        """
        return None

    def fence(self, volume_id: str, keep: Sequence[str] = ()) -> None:
        """Let no client write to the volume any more that has it now: its host is dead, or looks so. Absent is success.

        `keep`: hosts that go on to have the volume. Raises PoolUnavailable, also where nobody knows which clients these
        are; PoolBusy.
        Of a pool with exports nothing is left to do: they end with their hosts.
        """
