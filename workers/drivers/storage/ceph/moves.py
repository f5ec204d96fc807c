"""Disks of a pool whose servers move: nothing is copied. What was before is a snapshot in the pool."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, cast

from workers.drivers import values
from workers.drivers.storage import copying, transfers
from workers.drivers.storage.base import CachedImage, Disk, Progress, ServerSource, check_disk_name
from workers.drivers.storage.ceph.pool import DiskPool
from workers.drivers.storage.errors import FilesMissing, TransferFailed
from workers.drivers.storage.local_arrivals import LocalArrivals
from workers.drivers.storage.local_moves import SWAP, LocalMoves
from workers.drivers.storage.local_snapshots import SNAPSHOT, load_disk, on_disk
from workers.drivers.storage.transfers import Receiver
from workers.system import files

FENCE_HOURS = 24
LIMIT_S = 540.0  # below the limit of a step: what is cut off is ended by the next operation
_GIB = 1 << 30


class CephMoves(LocalMoves, LocalArrivals):
    """A part of CephStorage. Servers with files of the host are moved as LocalStorage moves them."""

    pool: DiskPool
    host: str

    @abstractmethod
    def _write(self, server_id: str, name: str, disk: Disk) -> None:
        """Write a disk's record."""

    @abstractmethod
    def _clone(self, server_id: str, name: str, image: CachedImage | None, size: int) -> Disk:
        """Have a disk of the pool, a clone of an image."""

    def receive_server(self, server_id: str, source: ServerSource, stop: Event) -> None:
        """Keep the disks as they are for the source, and note that this host has them. The server's small files come
        over.
        """
        values.check_uuid(server_id, "a server's id")
        if not self._there(server_id):
            super().receive_server(server_id, source, stop)
            return
        with on_disk():
            files.remove_tree(self.paths.instance(server_id))  # of an attempt whose process was killed
        self.pool.do("keep_disks", server=server_id, host=source.host, limit_s=LIMIT_S)
        self._note_disks(server_id)
        receiver = Receiver(source, transfers.context(self.pki, server=False), stop)
        try:
            for entry in receiver.head:
                if entry.disk is not None:
                    raise TransferFailed("The server has disks in files and in the pool.", details=entry.name)
                self._receive(server_id, receiver, entry)
        except BaseException:
            with suppress(OSError):
                files.remove_tree(self.paths.instance(server_id))
            raise
        finally:
            receiver.close()

    def send_server(self, server_id: str, write: Callable[[bytes], object]) -> None:
        if not self._is_pooled(server_id):
            super().send_server(server_id, write)
            return
        transfers.send(self._small_files(server_id), write)

    def pooled_disks(self, server_id: str) -> tuple[Disk, ...]:
        return tuple(disk for _, disk in sorted(self._recorded(server_id).items()))

    def missing_disks(self) -> tuple[str, ...]:
        there = set(self.pool.do("names_of_disks"))
        records = ((server, name) for server in self.list_servers() for name in self._recorded(server))
        return tuple(sorted({key for key, name in records if name != SWAP and f"disk-{key}-{name}" not in there}))

    def take_disks(self, server_id: str) -> bool:
        values.check_uuid(server_id, "a server's id")
        if not self._there(server_id):
            return False
        self.pool.do("fence_disks", server=server_id, hours=FENCE_HOURS, limit_s=LIMIT_S)
        self._note_disks(server_id)
        return True

    def keep_server(self, server_id: str, stop: Event) -> None:
        if not self._is_pooled(server_id):
            super().keep_server(server_id, stop)
            return
        self.pool.do("keep_disks", server=server_id, host=self.host, limit_s=LIMIT_S, stop=stop)

    def return_server(self, server_id: str) -> None:
        if server_id not in self.pool.do("kept"):
            super().return_server(server_id)
            return
        self.pool.do("return_disks", server=server_id, hours=FENCE_HOURS, limit_s=LIMIT_S)
        for name in self._recorded(server_id):
            with on_disk():
                self._record_of(server_id, name).unlink(missing_ok=True)
        self._note_disks(server_id)
        self.remove_disk(server_id, SWAP)

    def forget_kept(self, server_id: str) -> None:
        super().forget_kept(server_id)
        if self._is_pooled(server_id) or server_id in self.pool.do("kept"):
            self.pool.do("forget_kept", server=server_id, limit_s=LIMIT_S)

    def list_kept(self) -> tuple[str, ...]:
        kept = {server for server, host in self.kept_in_pool().items() if host == self.host}
        return tuple(sorted({*super().list_kept(), *kept}))

    def kept_in_pool(self) -> dict[str, str]:
        return {key: str(known["host"]) for key, known in self.pool.do("kept").items() if values.is_uuid(key)}

    def unpack_root(self, server_id: str, image: CachedImage, size_gib: int, stop: Event) -> None:
        """A clone, which outlives the image."""
        self._clone(server_id, "root", image, size_gib * _GIB)

    def grow_disk(self, server_id: str, name: str, size_gib: int) -> None:
        disk = load_disk(self._record_of(server_id, check_disk_name(name)))
        if disk is not None and not disk.in_pool:
            super().grow_disk(server_id, name, size_gib)
            return
        if disk is None:
            raise FilesMissing("The disk of the server is not on its host.", details=f"{name} of {server_id}")
        size = self.pool.do("grow_disk", server=server_id, name=name, size=size_gib * _GIB)
        self._write(server_id, name, replace(disk, size_bytes=size))

    def snapshot_root(self, server_id: str, progress: Progress | None = None) -> Disk:
        root = self.root(server_id)
        if not root.in_pool:
            return super().snapshot_root(server_id, progress)
        mark = self.pool.do("mark_of", server=server_id)
        source = replace(root, path=self.pool.url(f"{root.path.partition('/')[2]}{mark}"), format="raw")
        disk = Disk(self._path(server_id, SNAPSHOT), "qcow2", root.size_bytes)
        with on_disk():
            self.check_reserve()
            with files.appearing(Path(disk.path)) as temporary:
                copying.flatten(source, temporary, progress)
        self.pool.do("unmark_disk", server=server_id)
        return disk

    def mark_root(self, server_id: str) -> None:
        values.check_uuid(server_id, "a server's id")
        self.pool.do("mark_disk", server=server_id)

    def marked_root(self, server_id: str) -> str:
        if not self._is_pooled(server_id):
            return ""
        mark = self.pool.do("mark_of", server=server_id)
        return f"{self.pool.pool}/disk-{server_id}-root{mark}" if mark else ""

    def remove_snapshot(self, server_id: str) -> None:
        if self._is_pooled(server_id):
            self.pool.do("unmark_disk", server=server_id)
        super().remove_snapshot(server_id)

    def _make(self, server_id: str, name: str, there: Disk) -> None:
        if there.in_pool:
            self._write(server_id, name, there)
        else:
            super()._make(server_id, name, there)

    def _there(self, server_id: str) -> list[Any]:
        """The disks in the pool: names, bytes, formats."""
        disks: list[Any] = self.pool.do("disks_of", server=server_id, limit_s=LIMIT_S)  # it may end a return
        return disks

    def _note_disks(self, server_id: str) -> None:
        """Write records of what is in the pool. What is not left by a stop is not noted."""
        for name, size, form in self._there(server_id):
            path = f"{self.pool.pool}/disk-{server_id}-{name}"
            self._write(server_id, name, Disk(path, cast(Any, form), size, in_pool=True))

    def _recorded(self, server_id: str) -> dict[str, Disk]:
        home = self.paths.instance(server_id)
        records = {path.stem: load_disk(path) for path in home.glob("*.json") if path.name != "devices.json"}
        return {name: disk for name, disk in records.items() if disk is not None and disk.in_pool}

    def _is_pooled(self, server_id: str) -> bool:
        values.check_uuid(server_id, "a server's id")
        return bool(set(self._recorded(server_id)) - {"rescue"})

    def _record_of(self, server_id: str, name: str) -> Path:
        return Path(self._path(server_id, f"{name}.json"))
