"""The volume contract: the volumes of one host's pool, their snapshots, and their exports.

Rules that hold for every method of every driver:

- Everything is idempotent: asked twice, the second call finds the work done and succeeds.
- Removing something absent is success.
- A call that fails leaves nothing behind and changes no content.
- Failures are `RetryableError` (this pool cannot) or `AbortError` (no pool can).
- Formats are those that were recorded when a file was made. A file that a guest wrote to is never probed.
- A new volume reads as its source, or as zeros: never as what others wrote.
- One call at a time works on a volume, and on the volume that another one is created from: others get PoolBusy soon.
- A call with `stop` ends within 5 s after that is set, with Stopped, and leaves nothing.
- Nothing is opened when a driver is made. Exports are separate processes: they outlive the driver and its process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from threading import Event

from workers.drivers.volume.contents import Contents
from workers.drivers.volume.optional import Converting, Direct, Managing
from workers.drivers.volume.specs import Capabilities as Capabilities
from workers.drivers.volume.specs import Export as Export
from workers.drivers.volume.specs import ExportSpec as ExportSpec
from workers.drivers.volume.specs import Format as Format
from workers.drivers.volume.specs import FromImage as FromImage
from workers.drivers.volume.specs import FromSnapshot as FromSnapshot
from workers.drivers.volume.specs import FromVolume as FromVolume
from workers.drivers.volume.specs import GuestDisk as GuestDisk
from workers.drivers.volume.specs import Listening as Listening
from workers.drivers.volume.specs import PoolUse as PoolUse
from workers.drivers.volume.specs import RemoteExport as RemoteExport
from workers.drivers.volume.specs import Source as Source
from workers.drivers.volume.specs import Unmanaged as Unmanaged
from workers.drivers.volume.specs import VolumeInfo as VolumeInfo
from workers.drivers.volume.specs import VolumeSpec as VolumeSpec


class VolumeDriver(Contents, Converting, Managing, Direct, ABC):
    """One host's pool. Made by `workers.drivers.volume.loader.load(name, options)`.

    What each driver answers is here, twenty methods at most; the bases are parts of the contract that its capabilities
    name (`optional.py`, `contents.py`).
    """

    capabilities: Capabilities

    @abstractmethod
    def create_volume(self, volume: VolumeSpec, source: Source = None, stop: Event | None = None) -> VolumeInfo:
        """Make a volume, empty or from a source.

        Success: the volume is in the pool. One of this id that is there already is left alone. Raises VolumeTooSmall
        (smaller than its source), SourceUnavailable, TooManySnapshots, PoolFull, PoolUnavailable: nothing is left.
        """

    @abstractmethod
    def copies(self, volume: VolumeSpec, source: Source) -> bool:
        """Say whether creating the volume copies data, which may take minutes."""

    @abstractmethod
    def delete_volume(self, volume_id: str) -> None:
        """Remove a volume and its snapshots. Volumes that were created from it keep their content.

        Raises VolumeInUse while it is exported.
        """

    @abstractmethod
    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        """Make a volume larger, also while it is exported; the new part reads as zeros.

        Clients of an export lose their connection for a moment and see the new size when they are back. A volume that
        is as large already is left alone. Raises VolumeNotFound, VolumeTooSmall (it is larger), PoolFull.
        """

    @abstractmethod
    def check_free(self, volume_id: str) -> None:
        """Raise PoolBusy while another operation works on the volume."""

    @abstractmethod
    def create_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        """Keep the volume's present content, also while it is exported (crash-consistent, clients notice nothing).

        Raises VolumeNotFound, TooManySnapshots, PoolFull, NotSupported.
        """

    @abstractmethod
    def delete_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        """Forget a snapshot, and give back the space that it alone took. An absent volume is success."""

    @abstractmethod
    def revert_volume(self, volume_id: str, snapshot_id: str) -> None:
        """Give the volume the content of a snapshot again; the snapshot stays.

        Raises VolumeNotFound, SnapshotNotFound, VolumeInUse, TooManySnapshots.
        """

    @abstractmethod
    def read_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> str:
        """Write the content of a volume that is not exported into one sparse file, and return its path.

        The file goes with the volume. Raises VolumeNotFound, VolumeInUse, PoolFull, PoolUnavailable.
        """

    @abstractmethod
    def open_export(self, volume_id: str, export: ExportSpec) -> Export:
        """Export the volume by a name. Several exports of one volume may be open.

        Success: clients can connect. An export whose process died is opened again. A second owner that may write is for
        raw volumes alone. Raises VolumeNotFound, VolumeInUse, PoolUnavailable; PortTaken for one that listens.
        """

    @abstractmethod
    def close_export(self, volume_id: str, name: str | None) -> None:
        """Close an export, or all of the volume (None): its clients lose their connection, and what they flushed is in
        the volume. Absent is success.
        """

    @abstractmethod
    def connect(self, remote: RemoteExport) -> Export:
        """Have an export of another host on a unix socket of this one. One connection an owner: the last one stays.

        Success: its host answers, and guests can use it, with the size that is given. A loss of its host for some
        seconds is waited out; then requests fail until it is back. Raises PoolUnavailable; a connection that was there
        stays.
        """

    @abstractmethod
    def disconnect(self, owner: str) -> None:
        """End an owner's connection: guests lose theirs. Absent is success."""

    @abstractmethod
    def list_connections(self) -> tuple[Export, ...]:
        """List the connections to exports of other hosts. One whose process died is not there."""

    @abstractmethod
    def list_volumes(self, known: Collection[str] | None = None) -> tuple[VolumeInfo, ...]:
        """List the volumes in the pool. ``known``: of others, a pool of all hosts may give the IDs alone."""

    @abstractmethod
    def list_exports(self) -> tuple[Export, ...]:
        """List the open exports. One whose process died is not open."""

    @abstractmethod
    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """List what a killed process left behind (files without a volume, unfinished files) and remove it.

        What belongs to an operation under way may be listed too: the caller holds the locks, or asks twice.
        """

    @abstractmethod
    def pool(self) -> PoolUse:
        """Return how much room there is."""

    @abstractmethod
    def has(self, volume_id: str) -> bool:
        """Say whether the pool has the volume, or a part of it."""

    def backends(self) -> Mapping[str, VolumeDriver]:
        """Return the host's pools by the names of their back ends; {} of a driver that is one pool without a name."""
        return {}
