"""Several back ends of one host as one driver: each call goes to the pool that has the volume.

A new volume goes to the back end that its spec names. What no pool has is absent: for the first one to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from threading import Event
from typing import TypeVar

from workers.drivers.volume.base import (
    Export,
    ExportSpec,
    Format,
    FromImage,
    FromSnapshot,
    FromVolume,
    GuestDisk,
    PoolUse,
    RemoteExport,
    Source,
    Unmanaged,
    VolumeDriver,
    VolumeInfo,
    VolumeSpec,
)
from workers.drivers.volume.encryption import DiskKey
from workers.drivers.volume.errors import PoolUnavailable

T = TypeVar("T")


class Backends(VolumeDriver):
    """Made of drivers by the names of their back ends; the first with exports connects to those of other hosts."""

    def __init__(self, drivers: Mapping[str, VolumeDriver], where: Callable[[str], str] = lambda _: "") -> None:
        """Remember the drivers. ``where`` says which back end a volume is on, "" if it does not know: while a volume
        moves, two have it.
        """
        self._drivers, self._where = dict(drivers), where
        self._first = next(iter(self._drivers.values()))
        with_exports = (driver for driver in self._drivers.values() if not driver.capabilities.direct)
        self._connector = next(with_exports, self._first)
        self.capabilities = self._first.capabilities

    def backends(self) -> Mapping[str, VolumeDriver]:
        return self._drivers

    def create_volume(self, volume: VolumeSpec, source: Source = None, stop: Event | None = None) -> VolumeInfo:
        return self._named(volume, source).create_volume(volume, source, stop)

    def copies(self, volume: VolumeSpec, source: Source) -> bool:
        """Images are in the host's cache: a pool on another file system copies them."""
        driver = self._named(volume, source)
        is_other = isinstance(source, FromImage) and not source.in_pool and driver is not self._first
        return driver.copies(volume, source) or is_other

    def has_content(self, volume: VolumeSpec, in_pool: str) -> bool:
        return self._named(volume, None).has_content(volume, in_pool)

    def delete_volume(self, volume_id: str) -> None:
        self._of(volume_id).delete_volume(volume_id)

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        self._of(volume_id).extend_volume(volume_id, size_gib)

    def check_free(self, volume_id: str) -> None:
        self._of(volume_id).check_free(volume_id)

    def create_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        self._of(volume_id).create_snapshot(volume_id, snapshot_id, stop)

    def delete_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        self._of(volume_id).delete_snapshot(volume_id, snapshot_id, stop)

    def revert_volume(self, volume_id: str, snapshot_id: str) -> None:
        self._of(volume_id).revert_volume(volume_id, snapshot_id)

    def read_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> str:
        return self._of(volume_id).read_volume(volume_id, disk_format, stop)

    def write_image(self, export: Export, image: FromImage, stop: Event | None = None) -> None:
        self._of(export.volume_id).write_image(export, image, stop)

    def encrypt(self, export: Export, key: DiskKey, size_bytes: int) -> None:
        self._of(export.volume_id).encrypt(export, key, size_bytes)

    def write_encrypted(self, export: Export, image: FromImage, key: DiskKey, stop: Event | None = None) -> None:
        self._of(export.volume_id).write_encrypted(export, image, key, stop)

    def open_export(self, volume_id: str, export: ExportSpec) -> Export:
        return self._of(volume_id).open_export(volume_id, export)

    def close_export(self, volume_id: str, name: str | None) -> None:
        self._of(volume_id).close_export(volume_id, name)

    def convert_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> None:
        self._of(volume_id).convert_volume(volume_id, disk_format, stop)

    def adopt_volume(self, volume: VolumeSpec, reference: str) -> VolumeInfo:
        return self._named(volume, None).adopt_volume(volume, reference)

    def release_volume(self, volume_id: str, reference: str) -> None:
        self._of(volume_id).release_volume(volume_id, reference)

    def rename_snapshot(self, volume_id: str, name: str, new: str) -> None:
        self._of(volume_id).rename_snapshot(volume_id, name, new)

    def list_unmanaged_snapshots(self, volume_id: str) -> tuple[Unmanaged, ...]:
        return self._of(volume_id).list_unmanaged_snapshots(volume_id)

    def connect(self, remote: RemoteExport) -> Export:
        return self._connector.connect(remote)

    def disconnect(self, owner: str) -> None:
        self._connector.disconnect(owner)

    def list_connections(self) -> tuple[Export, ...]:
        return self._connector.list_connections()

    def guest_disk(self, volume_id: str) -> GuestDisk | None:
        return self._of(volume_id).guest_disk(volume_id)

    def fence(self, volume_id: str, keep: Sequence[str] = ()) -> None:
        self._of(volume_id).fence(volume_id, keep)

    def list_volumes(self, known: Collection[str] | None = None) -> tuple[VolumeInfo, ...]:
        return tuple(
            replace(info, backend=name) for name, driver in self._drivers.items() for info in driver.list_volumes(known)
        )

    def list_exports(self) -> tuple[Export, ...]:
        return self._all(lambda driver: driver.list_exports())

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        return self._all(lambda driver: driver.residue(remove=remove))

    def pool(self) -> PoolUse:
        """Of the first one; ``backends`` has the others."""
        return self._first.pool()

    def has(self, volume_id: str) -> bool:
        return any(driver.has(volume_id) for driver in self._drivers.values())

    def _named(self, volume: VolumeSpec, source: Source) -> VolumeDriver:
        """A volume without a back end goes where its source is."""
        if not volume.backend:
            return self._of(source.volume_id) if isinstance(source, FromSnapshot | FromVolume) else self._first
        driver = self._drivers.get(volume.backend)
        if driver is None:
            raise PoolUnavailable(f"The host does not have the back end {volume.backend}.")
        return driver

    def _of(self, volume_id: str) -> VolumeDriver:
        known = self._drivers.get(self._where(volume_id))
        drivers = [known, *self._drivers.values()] if known is not None else self._drivers.values()
        return next((driver for driver in drivers if driver.has(volume_id)), known or self._first)

    def _all(self, ask: Callable[[VolumeDriver], tuple[T, ...]]) -> tuple[T, ...]:
        return tuple(item for driver in self._drivers.values() for item in ask(driver))
