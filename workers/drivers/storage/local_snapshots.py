"""Snapshots of root disks on a host's own file system: files of their servers, which go with them."""

from __future__ import annotations

import json
import shutil
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.drivers.storage import copying, sending
from workers.drivers.storage.base import Disk, Progress, StorageDriver
from workers.drivers.storage.errors import FilesMissing, NotEnoughSpace, StorageUnavailable
from workers.system import files
from workers.system.paths import HostPaths

SNAPSHOT = "snapshot"
NO_POOL = "The server's disks are in a pool, which this host does not have."


class LocalSnapshots(StorageDriver):
    """A part of LocalStorage."""

    paths: HostPaths
    reserved_bytes: int

    @abstractmethod
    def _path(self, server_id: str, name: str) -> str:
        """Return the path of a server's file. Raises SpecInvalid for what is no server's ID."""

    @abstractmethod
    def _make_directories(self, server_id: str) -> None:
        """Make a server's directory, and those above it."""

    @abstractmethod
    def _make_empty(self, disk: Disk, path: Path) -> None:
        """Make an empty qcow2 file of the disk's size."""

    def prepare_snapshot(self, server_id: str) -> Disk:
        return self._snapshot(server_id, self._make_empty)

    def snapshot_root(self, server_id: str, progress: Progress | None = None) -> Disk:
        root = self.root(server_id)

        def make(disk: Disk, path: Path) -> None:
            copying.flatten(root, path, progress)

        return self._snapshot(server_id, make)

    def snapshot_path(self, server_id: str) -> str:
        path = self._path(server_id, SNAPSHOT)
        if not Path(path).is_file():
            raise FilesMissing("The snapshot of the server is not on its host.", details=path)
        return path

    def send_snapshot(self, server_id: str, url: str, progress: Progress | None = None) -> None:
        sending.send(Path(self.snapshot_path(server_id)), url, progress)

    def remove_snapshot(self, server_id: str) -> None:
        with on_disk():
            Path(self._path(server_id, SNAPSHOT)).unlink(missing_ok=True)

    def list_snapshots(self) -> tuple[str, ...]:
        return tuple(item for item in self.list_servers() if (self.paths.instance(item) / SNAPSHOT).exists())

    def check_reserve(self) -> None:
        with on_disk():
            self._check_space(0)

    def _check_space(self, wanted: int) -> None:
        if shutil.disk_usage(self.paths.instances).free < wanted + self.reserved_bytes:
            raise NotEnoughSpace("The host has no space for a snapshot.", details=f"{wanted} bytes wanted")

    def root(self, server_id: str) -> Disk:
        root = load_disk(Path(self._path(server_id, "root.json")))
        if root is not None and root.in_pool:
            raise StorageUnavailable(NO_POOL, details=root.path)
        if root is None or not Path(root.path).exists():
            raise FilesMissing("The disk of the server is not on its host.", details=server_id)
        return root

    def _snapshot(self, server_id: str, make: Callable[[Disk, Path], None]) -> Disk:
        """Make a snapshot's file. It has no record: its format and size follow from the root's."""
        root = self.root(server_id)
        self.remove_snapshot(server_id)
        disk = Disk(self._path(server_id, SNAPSHOT), "qcow2", root.size_bytes)
        with on_disk():
            self._check_space(_bytes_to_copy(root))
            with files.appearing(Path(disk.path)) as temporary:
                make(disk, temporary)
        return disk


def _bytes_to_copy(root: Disk) -> int:
    """Return how much a flat copy of a disk takes. A compressed backing file may take more, and of a disk in a pool
    nobody knows: the copy is watched.
    """
    if root.in_pool:
        return 0
    paths = (root.path, root.backing_path)
    return min(root.size_bytes, sum(Path(path).stat().st_blocks * 512 for path in paths if path is not None))


def load_disk(record: Path) -> Disk | None:
    """Return a disk's record, None where there is none."""
    data = files.read(record)
    return None if data is None else Disk(**json.loads(data))


@contextmanager
def on_disk() -> Iterator[None]:
    """Let no OSError out of the block."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable("The host's disk refused.", details=str(error)) from error
