"""What a pool has and no volume is: volumes that were released, and raw files that an operator put there.

They are below `unmanaged`, a directory beside the volumes': a volume that was released keeps its directory and its
record; a file is raw, whatever it has in it, and its name ends with `.raw`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from workers.drivers.volume.errors import NotUnmanaged, SnapshotNotFound, VolumeInUse, VolumeTooSmall
from workers.drivers.volume.local import layer_files, records
from workers.drivers.volume.local.chains import GIB
from workers.drivers.volume.local.pool import Pool
from workers.drivers.volume.local.records import Record
from workers.drivers.volume.specs import (
    UNMANAGED,
    Unmanaged,
    VolumeInfo,
    VolumeSpec,
    check_reference,
    is_reference,
)
from workers.system import files

DIRECTORY = "unmanaged"
FILE = ".raw"


class Adoption(Pool):
    """The part of LocalVolumes that takes volumes over and lets go of them."""

    def list_unmanaged(self) -> tuple[Unmanaged, ...]:
        root = self._unmanaged()
        items = []
        for path in sorted(root.iterdir()) if root.is_dir() else ():
            size = self._size_of(path) if is_reference(path.name) else None
            if size is not None:
                items.append(Unmanaged(path.name, -(-size // GIB)))
        return tuple(items)

    def adopt_volume(self, volume: VolumeSpec, reference: str) -> VolumeInfo:
        """A directory is renamed. A file gets a name that is this volume's alone, becomes a layer, and goes."""
        with self._locked(volume.id), layer_files.on_disk():
            path, taken = self._named(reference), self._taken(volume.id)
            if self._pool.load(volume.id) is None:
                self._take(volume, path, taken)
            taken.unlink(missing_ok=True)
            info = self._info(volume.id)
        assert info is not None
        return info

    def release_volume(self, volume_id: str, reference: str) -> None:
        with self._locked(volume_id), layer_files.on_disk():
            path, taken = self._named(reference), self._taken(volume_id)
            if self._pool.load(volume_id) is None:
                if taken.exists():
                    taken.rename(path)
                return
            self._settled(volume_id)
            daemon = self._daemon(volume_id)
            if daemon.wanted():
                raise VolumeInUse("The volume is in use.", details=volume_id)
            daemon.end()
            files.make_directory(self._unmanaged(), 0o700)
            if path.exists():
                raise NotUnmanaged("The pool has something of this name already.", details=reference)
            taken.unlink(missing_ok=True)
            self._pool.of(volume_id).rename(path)

    def rename_snapshot(self, volume_id: str, name: str, new: str) -> None:
        with self._locked(volume_id), layer_files.on_disk():
            record = self._settled(volume_id)
            if new in record.snapshots:
                return
            if name not in record.snapshots:
                raise SnapshotNotFound("The volume has no such snapshot.", details=name)
            renamed = {new if key == name else key: item for key, item in record.snapshots.items()}
            self._pool.save(volume_id, replace(record, snapshots=renamed))

    def list_unmanaged_snapshots(self, volume_id: str) -> tuple[Unmanaged, ...]:
        record = self._pool.load(volume_id)
        kept = {key: item.size for key, item in (record.snapshots if record else {}).items()}
        return tuple(Unmanaged(key, -(-kept[key] // GIB)) for key in sorted(kept) if key.startswith(UNMANAGED))

    def _take(self, volume: VolumeSpec, path: Path, taken: Path) -> None:
        source = taken if taken.exists() else path
        size = self._size_of(source, is_file=source is taken)
        if size is None:
            raise NotUnmanaged("The pool has no such volume.", details=path.name)
        if size > volume.size_gib * GIB:
            raise VolumeTooSmall("The volume is larger than was said.", details=f"{size} bytes")
        if source.is_dir():
            files.make_directory(self._pool.root, 0o700)
            source.rename(self._pool.of(volume.id))
            return
        if source is path:
            path.rename(taken)
        self._take_file(volume, taken)

    def _take_file(self, volume: VolumeSpec, path: Path) -> None:
        directory, base = self._pool.make(volume.id), records.new_layer("raw")
        size = volume.size_gib * GIB
        layer_files.link(path, directory / base)
        os.truncate(directory / base, size)
        chain: tuple[str, ...] = (base,)
        if volume.format == "qcow2":
            top = records.new_layer("qcow2")
            layer_files.make_overlay(directory / top, base, size)
            chain = (top, base)
        self._pool.save(volume.id, Record(size, volume.format, chain))

    def _size_of(self, path: Path, *, is_file: bool = False) -> int | None:
        """Return the size in bytes of what can be taken over, or None. ``is_file``: a file that was taken already."""
        if path.is_symlink():
            return None
        if path.is_file() and (is_file or path.name.endswith(FILE)):
            return path.stat().st_size or None
        record = records.Directory(path.parent).load_at(path) if path.is_dir() else None
        return record.size if record is not None else None

    def _named(self, reference: str) -> Path:
        check_reference(reference)
        return self._unmanaged() / reference

    def _taken(self, volume_id: str) -> Path:
        """Return where a file is that becomes this volume: no list shows it."""
        return self._unmanaged() / f".{volume_id}"

    def _unmanaged(self) -> Path:
        return self._pool.root / DIRECTORY
