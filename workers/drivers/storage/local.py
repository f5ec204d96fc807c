"""The storage contract on a host's own file system: qcow2 overlays on a content-addressed image cache."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from workers.drivers import values
from workers.drivers.storage import config_drive, converting, fetching, inspection, making, upkeep
from workers.drivers.storage.base import (
    CONVERTED,
    FORMATS,
    OVERLAYS,
    CachedImage,
    Capabilities,
    Disk,
    ImageSource,
    ImageSpec,
    Progress,
    StorageUse,
    check_disk_name,
)
from workers.drivers.storage.errors import (
    DiskTooSmall,
    ImageInUse,
    ImageUnavailable,
    ImageUnsafe,
    NotEnoughSpace,
    StorageUnavailable,
)
from workers.drivers.storage.local_arrivals import LocalArrivals, digest_of, make_sparse
from workers.drivers.storage.local_boot_files import LocalBootFiles
from workers.drivers.storage.local_moves import LocalMoves
from workers.drivers.storage.local_snapshots import NO_POOL, load_disk, on_disk
from workers.system import files, locks
from workers.system.paths import HostPaths

_GIB = 1 << 30
_SECTOR = 512


class LocalStorage(LocalMoves, LocalArrivals, LocalBootFiles):
    """Options: `state_dir` (required), `reserved_gib` (1: free space images and snapshots leave it), `fetch_timeout_s`
    (3600: how long to wait for another's fetch of the same image), `pki_dir` (this host's certificate, for transfers).
    """

    capabilities = Capabilities(formats=(*FORMATS, *CONVERTED), shared=False, real_bytes=True, moves_servers=True)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self.paths = HostPaths(Path(options["state_dir"]))
        self.reserved_bytes = int(options.get("reserved_gib", 1)) * _GIB
        self.pki = Path(options["pki_dir"]) if options.get("pki_dir") else None
        self.host = str(options.get("host") or "")
        self.fetch_timeout_s = float(options.get("fetch_timeout_s", 3600))

    def cache_image(self, image: ImageSpec, source: ImageSource, progress: Progress | None = None) -> CachedImage:
        """Files that QEMU cannot open are refused as unsafe."""
        cached = self._cached(image.sha512)
        if cached is None:
            with self._image_lock(image.sha512):
                cached = self._cached(image.sha512) or self._fetch(image, source, progress)
        known = cached.declared or cached.format
        if known != image.disk_format:
            raise ImageUnsafe(f"The image was declared as {image.disk_format}, and is not.", details=f"it is {known}")
        return cached

    def cache_file(self, image: ImageSpec, source: ImageSource, progress: Progress | None = None) -> CachedImage:
        return self.cache_image(image, source, progress)

    def has_image(self, sha512: str) -> bool:
        return self._cached(sha512) is not None

    def create_root(self, server_id: str, image: CachedImage | None, size_gib: int) -> Disk:
        size = size_gib * _GIB
        if image is None:
            return self._disk(server_id, Disk(self._path(server_id, "root"), "qcow2", size), making.blank)
        if size and image.virtual_size > size:
            raise DiskTooSmall(
                "The flavor's disk is too small for the image.",
                details=f"{image.virtual_size} bytes in {size_gib} GiB",
            )
        return self._overlay(server_id, "root", image, size)

    def create_rescue(self, server_id: str, image: CachedImage) -> Disk:
        return self._overlay(server_id, "rescue", image, 0)

    def _overlay(self, server_id: str, name: str, image: CachedImage, size: int) -> Disk:
        """Make an overlay of ``size`` bytes; 0: the image's own."""
        disk = Disk(
            path=self._path(server_id, name),
            format="qcow2",
            size_bytes=size or -(-image.virtual_size // _SECTOR) * _SECTOR,
            backing_path=image.path,
            backing_format="qcow2" if image.format == "qcow2" else "raw",
        )
        with self._image_lock(image.sha512):  # or it could be evicted before the overlay is on record
            if self._cached(image.sha512) is None:
                raise ImageUnavailable("The image is not on the host.", details=image.sha512)
            return self._disk(server_id, disk, making.overlay)

    def create_ephemeral(self, server_id: str, index: int, size_gib: int) -> Disk:
        """A sparse raw file: it takes the space that the guest writes."""
        values.check_range(index, "the number of an ephemeral disk", 0, 99)
        name = f"ephemeral{index}"

        def make(disk: Disk, path: Path) -> None:
            make_sparse(disk, path)
            making.ephemeral(name, path)

        return self._disk(server_id, Disk(self._path(server_id, name), "raw", size_gib * _GIB), make)

    def create_swap(self, server_id: str, size_mib: int) -> Disk:
        """A sparse raw file."""

        def make(disk: Disk, path: Path) -> None:
            make_sparse(disk, path)
            making.swap("swap", path)

        return self._disk(server_id, Disk(self._path(server_id, "swap"), "raw", size_mib << 20), make)

    def create_config_drive(self, server_id: str, contents: Mapping[str, bytes]) -> Disk:
        data = config_drive.build(contents)
        path = self._path(server_id, "config-2")
        with on_disk():
            self._make_directories(server_id)
            files.write(Path(path), data, 0o600)
        return Disk(path, "iso", len(data))

    def remove_disk(self, server_id: str, name: str) -> None:
        """The record goes last: a file without one would be residue."""
        path = Path(self._path(server_id, check_disk_name(name)))
        with on_disk():
            path.unlink(missing_ok=True)
            path.with_name(f"{name}.json").unlink(missing_ok=True)
            self._remove_boot_files(server_id, name)

    def remove_server(self, server_id: str) -> None:
        values.check_uuid(server_id, "a server's id")
        with on_disk():
            files.remove_tree(self.paths.instance(server_id))

    def list_servers(self) -> tuple[str, ...]:
        root = self.paths.instances
        entries = root.iterdir() if root.is_dir() else ()
        # A separate file system has lost+entries, and operators may keep files here: neither is a server's.
        return tuple(sorted(item.name for item in entries if values.is_uuid(item.name) and item.is_dir()))

    def list_images(self) -> tuple[CachedImage, ...]:
        images = (self._cached(path.stem) for path in sorted(self.paths.images.glob("*.json")))
        return tuple(image for image in images if image is not None)

    def evict_image(self, sha512: str) -> None:
        values.check_sha512(sha512)
        path = str(self.paths.images / sha512)
        with self._image_lock(sha512), on_disk():
            for server_id in self.list_servers():
                for name in OVERLAYS:
                    disk = load_disk(self.paths.instance(server_id) / f"{name}.json")
                    if disk is not None and disk.backing_path == path:
                        raise ImageInUse("The image is in use on the host.", details=f"server {server_id}")
            self._forget_image(sha512)

    def damaged_images(self) -> tuple[str, ...]:
        return tuple(upkeep.damaged(self.paths))

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        with on_disk():
            return tuple(upkeep.residue(self.paths, remove=remove))

    def usage(self) -> StorageUse:
        with on_disk():
            files.make_directory(self.paths.root, 0o711)
            disk = shutil.disk_usage(self.paths.root)
            cache = sum(item.stat().st_blocks * 512 for item in self.paths.images.glob("*"))
        return StorageUse(total_gib=disk.total // _GIB, free_gib=disk.free // _GIB, cache_bytes=cache)

    # The cache: data named by its hash, and beside it a record of its verification. The record is written last, so an
    # image exists exactly when its record does.

    def _cached(self, sha512: str) -> CachedImage | None:
        data = files.read(self.paths.images / f"{sha512}.json")
        path = self.paths.images / sha512
        if data is None or not path.exists():
            return None
        known = json.loads(data)
        return CachedImage(str(path), known["format"], known["virtual_size"], sha512, known.get("declared", ""))

    def _fetch(self, image: ImageSpec, source: ImageSource, progress: Progress | None) -> CachedImage:
        part = self.paths.images / f"{files.TEMPORARY_PREFIX}{image.sha512}"  # ours alone: the image's lock is held
        with on_disk():
            files.make_directory(self.paths.root, 0o711)
            files.make_directory(self.paths.images, 0o711)
            if shutil.disk_usage(self.paths.images).free < image.size + self.reserved_bytes:
                raise NotEnoughSpace("The host has no space for the image.", details=f"{image.size} bytes wanted")
            try:
                fetching.fetch(image, source, part, progress)
                size = inspection.inspect(part, image.disk_format)
                form, declared, more = image.disk_format, "", {}
                if form in CONVERTED:
                    size = converting.to_qcow2(part, form, size, lambda: self._check_conversion(image, progress))
                    form, declared = "qcow2", form
                    more = {"declared": declared, "digest": digest_of(part)}
                making.open_once(part, form)
                part.chmod(0o444)
                os.replace(part, self.paths.images / image.sha512)
            finally:
                part.unlink(missing_ok=True)
            known = upkeep.stamp(self.paths.images / image.sha512)
            record = json.dumps({"format": form, "virtual_size": size, **known, **more}).encode()
            files.write(self.paths.images / f"{image.sha512}.json", record, 0o444)
        return CachedImage(str(self.paths.images / image.sha512), cast(Any, form), size, image.sha512, declared)

    def _check_conversion(self, image: ImageSpec, progress: Progress | None) -> None:
        """End it when the host's disk is nearly full, or its caller does not want it any more (``progress`` raises)."""
        if shutil.disk_usage(self.paths.images).free < self.reserved_bytes:
            raise NotEnoughSpace("The host has no space for the image.")
        if progress is not None:
            progress(image.size, image.size)

    def _forget_image(self, sha512: str) -> None:
        for name in (f"{sha512}.json", sha512, f"{files.TEMPORARY_PREFIX}{sha512}"):
            (self.paths.images / name).unlink(missing_ok=True)

    @contextmanager
    def _image_lock(self, sha512: str) -> Iterator[None]:
        try:
            with locks.host_lock(self.paths.locks, upkeep.lock_name(sha512), timeout_s=self.fetch_timeout_s):
                yield
        except locks.LockTimeout as error:
            raise ImageUnavailable("The image took too long to arrive.", details=str(error)) from error

    # Disks: each has a record of its format and size, written before the file. So no file lacks a record, and no file
    # that a guest may have written to is ever probed.

    def _path(self, server_id: str, name: str) -> str:
        values.check_uuid(server_id, "a server's id")
        return str(self.paths.instance(server_id) / name)

    def _make_empty(self, disk: Disk, path: Path) -> None:
        making.blank(disk, path)

    def _make_directories(self, server_id: str) -> None:
        # 0711: QEMU runs as a separate user that must open the files libvirt gives it, but not list them.
        for directory in (self.paths.root, self.paths.instances, self.paths.instance(server_id)):
            files.make_directory(directory, 0o711)

    def _disk(self, server_id: str, disk: Disk, make: Callable[[Disk, Path], None]) -> Disk:
        path = Path(disk.path)
        record = path.with_name(f"{path.name}.json")
        recorded = load_disk(record)
        if recorded is not None and recorded.in_pool:
            raise StorageUnavailable(NO_POOL, details=path.name)
        if recorded is not None and path.exists():
            return recorded
        if disk.size_bytes <= 0:
            raise DiskTooSmall("The flavor has no such disk.", details=f"{path.name} of {disk.size_bytes} bytes")
        with on_disk():
            self._make_directories(server_id)
            files.write(record, json.dumps(asdict(disk)).encode())
            with files.appearing(path) as temporary:
                make(disk, temporary)
        return disk
