"""The face of a store of objects, and the one that is a directory. Names have the form `<backup's id>/<name>`."""

from __future__ import annotations

import errno
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.drivers import values
from workers.drivers.backup.errors import StoreFull, StoreUnavailable
from workers.system import files

_GIB = 1 << 30


class Objects(ABC):
    """Raises StoreFull and StoreUnavailable."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Write an object, whole or not at all."""

    @abstractmethod
    def get(self, name: str) -> bytes | None:
        """Return an object; None: there is none of this name."""

    @abstractmethod
    def remove(self, backup_id: str) -> None:
        """Remove all objects of a backup, its manifest first. Absent is success."""

    @abstractmethod
    def backups(self) -> tuple[str, ...]:
        """Return the ids of backups of which there is anything."""


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull("The store of backups has no space left.", details=str(error)) from error
        raise StoreUnavailable("The store of backups refused.", details=str(error)) from error


class Directory(Objects):
    """A directory, which every host sees. `reserved_gib` of its file system stay free."""

    def __init__(self, root: Path, reserved_gib: int) -> None:
        """Remember where; nothing is touched."""
        self._root, self._reserved = root, reserved_gib * _GIB

    def put(self, name: str, data: bytes) -> None:
        path = self._path(name)
        with _on_disk():
            files.make_directory(self._root, 0o700)
            files.make_directory(path.parent, 0o700)
            free = shutil.disk_usage(self._root).free
            if free - len(data) < self._reserved:
                raise StoreFull("The store of backups has no space left.", details=f"{free} bytes are free")
            files.write(path, data, durable=True)

    def get(self, name: str) -> bytes | None:
        with _on_disk():
            return files.read(self._path(name))

    def remove(self, backup_id: str) -> None:
        values.check_uuid(backup_id, "a backup's id")
        with _on_disk():
            (self._root / backup_id / MANIFEST).unlink(missing_ok=True)
            files.remove_tree(self._root / backup_id)

    def backups(self) -> tuple[str, ...]:
        with _on_disk():
            entries = self._root.iterdir() if self._root.is_dir() else ()
            return tuple(sorted(item.name for item in entries if values.is_uuid(item.name)))

    def _path(self, name: str) -> Path:
        backup_id, _, rest = name.partition("/")
        values.check_uuid(backup_id, "a backup's id")
        return self._root / backup_id / rest


MANIFEST = "manifest.json"
