"""The storage contract on a pool of a Ceph cluster. All hosts see the disks; a host keeps records of those it has.

Root disks are clones of images in the pool, each of which is copied there once. Config drives, consoles and snapshots
on their way are files of the host. So are the disks of servers from before the cloud had the pool.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from workers.drivers import values
from workers.drivers.storage import making
from workers.drivers.storage.base import (
    CONVERTED,
    FORMATS,
    CachedImage,
    Capabilities,
    Disk,
    ImageSource,
    ImageSpec,
    Progress,
    StorageUse,
    check_disk_name,
)
from workers.drivers.storage.ceph.moves import CephMoves
from workers.drivers.storage.ceph.pool import DiskPool
from workers.drivers.storage.errors import DiskTooSmall, ImageInUse, StorageUnavailable
from workers.drivers.storage.local import LocalStorage
from workers.drivers.storage.local_arrivals import make_sparse
from workers.drivers.storage.local_moves import SWAP
from workers.drivers.storage.local_snapshots import load_disk, on_disk
from workers.system import files, locks
from workers.system.ceph.access import ClusterImage

GIB = 1 << 30
RUN_DIR = "/run/celerity-volumes"
FENCE_HOURS = 24
BASE_LIMIT_S, RESIDUE_LIMIT_S = 60.0, 600.0
_WAIT_S = 3600.0  # for another's copy of the same image


class CephStorage(CephMoves, LocalStorage):
    """Options: LocalStorage's; `ceph_pool`, `ceph_conf`, `ceph_user`, `ceph_keyring` (required), `cloud`, `run_dir`."""

    capabilities = Capabilities(formats=(*FORMATS, *CONVERTED), shared=True, real_bytes=True, moves_servers=True)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        super().__init__(options)
        own = hashlib.sha256(f"disks {options['state_dir']} {options['ceph_pool']}".encode()).hexdigest()[:12]
        self.pool = DiskPool(options, Path(options.get("run_dir") or RUN_DIR) / f"{own}.conf")

    def cache_image(self, image: ImageSpec, source: ImageSource, progress: Progress | None = None) -> CachedImage:
        """In the pool: disks are clones of it. What the image store has there as a disk is not copied at all."""
        if image.disk_format in ("raw", "iso") and self._content(source):
            return self._in_pool(image, source.in_pool.removeprefix("rbd://"), image.virtual_size or image.size)
        if size := self._base(image.sha512):
            return self._in_pool(image, self._base_of(image.sha512), size)
        with self._one_copy(image.sha512):
            if not self._base(image.sha512):
                self._bring(image, source, progress)
        return self._in_pool(image, self._base_of(image.sha512), self._base(image.sha512))

    def cache_file(self, image: ImageSpec, source: ImageSource, progress: Progress | None = None) -> CachedImage:
        return super().cache_image(image, source, progress)

    def has_image(self, sha512: str) -> bool:
        return self._base(sha512) > 0 or super().has_image(sha512)

    def create_root(self, server_id: str, image: CachedImage | None, size_gib: int) -> Disk:
        return self._clone(server_id, "root", image, size_gib * GIB)

    def create_rescue(self, server_id: str, image: CachedImage) -> Disk:
        return self._clone(server_id, "rescue", image, 0)

    def create_ephemeral(self, server_id: str, index: int, size_gib: int) -> Disk:
        values.check_range(index, "the number of an ephemeral disk", 0, 99)
        if self._has_files(server_id):
            return super().create_ephemeral(server_id, index, size_gib)
        return self._filled(server_id, f"ephemeral{index}", size_gib * GIB, making.ephemeral)

    def create_swap(self, server_id: str, size_mib: int) -> Disk:
        if self._has_files(server_id):
            return super().create_swap(server_id, size_mib)
        return self._filled(server_id, "swap", size_mib << 20, making.swap)

    def remove_disk(self, server_id: str, name: str) -> None:
        record = self._record_of(server_id, check_disk_name(name))
        known = load_disk(record)
        if known is not None and not known.in_pool:
            super().remove_disk(server_id, name)
            return
        self.pool.do("drop_disk", server=server_id, name=name, hours=FENCE_HOURS, limit_s=RESIDUE_LIMIT_S)
        with on_disk():
            self._remove_boot_files(server_id, name)
            record.unlink(missing_ok=True)

    def delete_disks(self, server_id: str) -> None:
        values.check_uuid(server_id, "a server's id")
        self.pool.do("drop_disks", server=server_id, hours=FENCE_HOURS, limit_s=RESIDUE_LIMIT_S)

    def owns_disks(self, server_id: str) -> bool:
        return bool(self.pool.do("is_ours", server=server_id))

    def list_disks(self) -> tuple[str, ...]:
        return tuple(self.pool.do("servers_with_disks"))

    def root(self, server_id: str) -> Disk:
        known = load_disk(self._record_of(server_id, "root"))
        if known is None or not known.in_pool:
            return super().root(server_id)
        self._check_there(server_id, "root", known)
        return known

    def _check_there(self, server_id: str, name: str, known: Disk) -> None:
        """A disk that this host has is never made again unasked. Raises StorageUnavailable."""
        if known.path.partition("/")[0] != self.pool.pool:
            raise StorageUnavailable("The server's disks are in another pool than the cloud's.", details=known.path)
        if name not in {item for item, _, _ in self._there(server_id)}:
            raise StorageUnavailable("A disk of the server is not in the pool.", details=known.path)

    def guest_disk(self, disk: Disk) -> ClusterImage:
        pool, _, image = disk.path.partition("/")
        if pool != self.pool.pool:
            raise StorageUnavailable("The server's disks are in another pool than the cloud's.", details=disk.path)
        return self.pool.guest_disk(image)

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        left = super().residue(remove=remove)
        return (*left, *self.pool.do("residue", remove=remove, limit_s=RESIDUE_LIMIT_S))

    def usage(self) -> StorageUse:
        """The pool's."""
        room = self.pool.do("room")
        return StorageUse(room["total"] // GIB, room["free"] // GIB, super().usage().cache_bytes)

    def close(self) -> None:
        """End the processes that wait for work."""
        self.pool.close()

    # Images

    def _content(self, source: ImageSource) -> int:
        """The bytes of what the image store has in a pool; 0 for an image that is a file."""
        return int(self.pool.do("content", url=source.in_pool.removeprefix("rbd://"))) if source.in_pool else 0

    def _base(self, sha512: str) -> int:
        values.check_sha512(sha512)
        return int(self.pool.do("base", key=key_of(sha512)))

    def _base_of(self, sha512: str) -> str:
        return f"{self.pool.pool}/image-{key_of(sha512)}"

    def _in_pool(self, image: ImageSpec, path: str, size: int) -> CachedImage:
        form: Literal["raw", "iso"] = "iso" if image.disk_format == "iso" else "raw"
        return CachedImage(path, form, size, image.sha512, image.disk_format if image.disk_format != form else "")

    def _bring(self, image: ImageSpec, source: ImageSource, progress: Progress | None) -> None:
        """Copy an image into the pool: from the image store's own pool, or by a file, which goes then."""
        if image.disk_format == "qcow2" and self._content(source):
            place = urlsplit(source.in_pool)
            url = self.pool.url(place.path.strip("/"), pool=place.netloc)
            self._import(image, ("qcow2", url), image.virtual_size or 0, progress)
            return
        was_here = super().has_image(image.sha512)  # for servers with files, or for volumes
        cached = super().cache_image(image, source, progress)
        form = "raw" if cached.format == "iso" else cached.format
        self._import(image, (form, cached.path), cached.virtual_size, progress)
        if not was_here:
            with suppress(ImageInUse):
                super().evict_image(image.sha512)

    def _import(self, image: ImageSpec, source: tuple[str, str], size: int, progress: Progress | None) -> None:
        new, is_whole = str(uuid.uuid4()), False
        self.pool.do("begin_base", new=new, size=-(-size // 512) * 512)
        try:
            check = None if progress is None else lambda: progress(image.size, image.size)
            self.pool.fill(source, f"new-{new}", check)
            is_whole = True
        finally:
            self.pool.do("end_base", key=key_of(image.sha512), new=new, whole=is_whole, limit_s=RESIDUE_LIMIT_S)

    @contextmanager
    def _one_copy(self, sha512: str) -> Iterator[None]:
        try:
            with locks.host_lock(self.paths.locks, f"base-{key_of(sha512)}", timeout_s=_WAIT_S):
                yield
        except locks.LockTimeout as error:
            raise StorageUnavailable("The image took too long to arrive.", details=str(error)) from error

    # Disks: each has a record on its host, written once it is made. Its format is recorded in the pool, too.

    def _clone(self, server_id: str, name: str, image: CachedImage | None, size: int) -> Disk:
        if image is None:
            return self._pooled(server_id, name, size, {}, "raw")
        if size and image.virtual_size > size:
            raise DiskTooSmall(
                "The flavor's disk is too small for the image.", details=f"{image.virtual_size} bytes in {size}"
            )
        pool, _, parent = image.path.partition("/")
        source = {"pool": pool, "image": parent}
        if pool == self.pool.pool and parent.startswith("image-"):
            source["key"] = parent.removeprefix("image-")
        return self._pooled(server_id, name, size or -(-image.virtual_size // 512) * 512, source, image.format)

    def _filled(self, server_id: str, name: str, size: int, make: Callable[[str, Path], None]) -> Disk:
        """Have a disk of a file that is made here, sparse, and copied."""
        record, is_there = self._record_of(server_id, name), name in {item for item, _, _ in self._there(server_id)}
        if (
            name == SWAP and not is_there
        ):  # nothing in it outlives a guest that is off: another host may have removed it
            record.unlink(missing_ok=True)
        if is_there or load_disk(record) is not None or size <= 0:
            return self._pooled(server_id, name, size, {}, "raw")
        new = str(uuid.uuid4())
        with on_disk():
            self._make_directories(server_id)
            with files.appearing(record.with_name(f"{name}.new")) as temporary:
                make_sparse(Disk(str(temporary), "raw", size), temporary)
                make(name, temporary)
                self.pool.do("begin_base", new=new, size=size)
                try:
                    self.pool.fill(("raw", str(temporary)), f"new-{new}", None)
                    made = self._pooled(server_id, name, size, {"new": new}, "raw")
                except BaseException:
                    self.pool.do("end_base", key=new, new=new, whole=False)
                    raise
            record.with_name(f"{name}.new").unlink(missing_ok=True)
        return made

    def _pooled(self, server_id: str, name: str, size: int, source: Mapping[str, str], form: str) -> Disk:
        """Have a disk in the pool; its record follows. What has a record was made, and is not made again."""
        known = load_disk(self._record_of(server_id, name))
        if known is not None and known.in_pool:
            self._check_there(server_id, name, known)
            return known
        if known is not None and Path(known.path).exists():
            return known
        if size <= 0:
            raise DiskTooSmall("The flavor has no such disk.", details=f"{name} of {size} bytes")
        made = self.pool.do(
            "make_disk", server=server_id, name=name, size=size, source=dict(source), form=form, limit_s=BASE_LIMIT_S
        )
        disk = Disk(f"{self.pool.pool}/disk-{server_id}-{name}", cast(Any, form), made, in_pool=True)
        self._write(server_id, name, disk)
        return disk

    def _has_files(self, server_id: str) -> bool:
        """Whether the server is one from before the pool: all of its disks are files, and move as such."""
        values.check_uuid(server_id, "a server's id")
        home = self.paths.instance(server_id)
        disks = (
            load_disk(path) for path in home.glob("*.json") if path.stem in ("root", "swap") or "ephemeral" in path.stem
        )
        return any(disk is not None and not disk.in_pool for disk in disks)

    def _write(self, server_id: str, name: str, disk: Disk) -> None:
        with on_disk():
            self._make_directories(server_id)
            files.write(self._record_of(server_id, name), json.dumps(asdict(disk)).encode())


def key_of(sha512: str) -> str:
    """Return an image's name in the pool: the same that volumes give it."""
    return hashlib.sha256(sha512.encode()).hexdigest()[:32]
