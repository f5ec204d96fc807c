"""The simulated storage: images and disks that are files about files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workers.drivers import blank_qcow2, values
from workers.drivers.simulation import Simulation
from workers.drivers.storage import boot_files, config_drive, sending
from workers.drivers.storage.base import (
    CONVERTED,
    FORMATS,
    CachedImage,
    Capabilities,
    Disk,
    ImageSource,
    ImageSpec,
    Progress,
    StorageDriver,
    StorageUse,
    check_disk_name,
)
from workers.drivers.storage.errors import DiskTooSmall, FilesMissing, ImageInUse, ImageUnavailable, ImageUnsafe
from workers.drivers.storage.simulated_arrivals import SimulatedArrivals
from workers.drivers.storage.simulated_moves import SimulatedMoves
from workers.system import files

_GIB = 1 << 30
_SECTOR = 512


class SimulatedStorage(SimulatedMoves, SimulatedArrivals, StorageDriver):
    """Options: `state_dir` and `host` (required), `plan_file`, `disk_gib` (2048). Sources are not read and data is not
    verified; formats and sizes are taken as recorded.
    """

    capabilities = Capabilities(formats=(*FORMATS, *CONVERTED), shared=False, real_bytes=False, moves_servers=True)

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation(options)
        self._disk_gib = int(options.get("disk_gib", 2048))

    def cache_image(self, image: ImageSpec, source: ImageSource, progress: Progress | None = None) -> CachedImage:
        """A delay of `cache_image` passes only when the image was not there."""
        cached = self._cached(image.sha512)
        if cached is None:
            with self._simulation.operation("cache_image") as operation:
                if progress is not None:
                    progress(image.size // 2, image.size)
                operation.halfway()
                size = image.virtual_size or image.size
                form = "qcow2" if image.disk_format in CONVERTED else image.disk_format
                record = {"format": form, "declared": image.disk_format, "virtual_size": size, "at": time.time()}
                self._simulation.write("images", image.sha512, record)
                if progress is not None:
                    progress(image.size, image.size)
                cached = self._image(image.sha512, record)
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
            return self._disk("create_root", server_id, Disk(self._path(server_id, "root"), "qcow2", size))
        if size and image.virtual_size > size:
            raise DiskTooSmall(
                "The flavor's disk is too small for the image.",
                details=f"{image.virtual_size} bytes in {size_gib} GiB",
            )
        return self._overlay("create_root", server_id, "root", image, size)

    def create_rescue(self, server_id: str, image: CachedImage) -> Disk:
        return self._overlay("create_rescue", server_id, "rescue", image, 0)

    def _overlay(self, op: str, server_id: str, name: str, image: CachedImage, size: int) -> Disk:
        if self._cached(image.sha512) is None:
            raise ImageUnavailable("The image is not on the host.", details=image.sha512)
        disk = Disk(
            path=self._path(server_id, name),
            format="qcow2",
            size_bytes=size or -(-image.virtual_size // _SECTOR) * _SECTOR,
            backing_path=image.path,
            backing_format="qcow2" if image.format == "qcow2" else "raw",
        )
        return self._disk(op, server_id, disk)

    def create_ephemeral(self, server_id: str, index: int, size_gib: int) -> Disk:
        values.check_range(index, "the number of an ephemeral disk", 0, 99)
        disk = Disk(self._path(server_id, f"ephemeral{index}"), "raw", size_gib * _GIB)
        return self._disk("create_ephemeral", server_id, disk)

    def create_swap(self, server_id: str, size_mib: int) -> Disk:
        return self._disk("create_swap", server_id, Disk(self._path(server_id, "swap"), "raw", size_mib << 20))

    def create_config_drive(self, server_id: str, contents: Mapping[str, bytes]) -> Disk:
        """The paths are checked; the bytes go nowhere."""
        config_drive.check_paths(contents)
        size = sum(len(data) for data in contents.values()) or 1
        return self._disk("create_config_drive", server_id, Disk(self._path(server_id, "config-2"), "iso", size))

    def boot_file(self, server_id: str, name: str, sha512: str) -> str | None:
        name = boot_files.file_name(name, sha512)
        there = name in (self._simulation.read("disks", server_id) or {})
        return self._path(server_id, name) if there else None

    def create_boot_file(self, server_id: str, name: str, image: CachedImage) -> str:
        name = boot_files.file_name(name, image.sha512)
        return self._disk("create_boot_file", server_id, Disk(self._path(server_id, name), "raw", 1)).path

    def remove_disk(self, server_id: str, name: str) -> None:
        check_disk_name(name)
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("remove_disk") as operation:
            disks = self._simulation.read("disks", server_id) or {}
            operation.halfway()
            kept = {key: disk for key, disk in disks.items() if key != name and not key.startswith(f"{name}-")}
            if kept != disks:
                self._simulation.write("disks", server_id, kept)

    def remove_server(self, server_id: str) -> None:
        values.check_uuid(server_id, "a server's id")
        with self._simulation.operation("remove_server") as operation:
            operation.halfway()
            self._simulation.remove("disks", server_id)
            self._simulation.remove("kept", server_id)
            Path(self._snapshot_path(server_id)).unlink(missing_ok=True)

    def root(self, server_id: str) -> Disk:
        root = (self._simulation.read("disks", server_id) or {}).get("root")
        if root is None:
            raise FilesMissing("The disk of the server is not on its host.", details=server_id)
        return Disk(**root)

    def prepare_snapshot(self, server_id: str) -> Disk:
        return self._snapshot("prepare_snapshot", server_id)

    def snapshot_root(self, server_id: str, progress: Progress | None = None) -> Disk:
        if progress is not None:
            progress(0, 1)
        return self._snapshot("snapshot_root", server_id)

    def snapshot_path(self, server_id: str) -> str:
        with self._simulation.operation("snapshot_path"):
            path = self._snapshot_path(server_id)
            if not Path(path).is_file():
                raise FilesMissing("The snapshot of the server is not on its host.", details=path)
            return path

    def send_snapshot(self, server_id: str, url: str, progress: Progress | None = None) -> None:
        """The file is sent: the image store at the other end is a real one."""
        with self._simulation.operation("send_snapshot") as operation:
            operation.halfway()
            sending.send(Path(self.snapshot_path(server_id)), url, progress)

    def check_reserve(self) -> None:
        """Simulated disks take no space."""

    def remove_snapshot(self, server_id: str) -> None:
        with self._simulation.operation("remove_snapshot"):
            Path(self._snapshot_path(server_id)).unlink(missing_ok=True)

    def list_snapshots(self) -> tuple[str, ...]:
        with self._simulation.operation("list_snapshots"):
            return tuple(path.stem for path in sorted((self._simulation.directory / "snapshots").glob("*.qcow2")))

    def list_servers(self) -> tuple[str, ...]:
        with self._simulation.operation("list_servers"):
            return self._simulation.names("disks")

    def list_images(self) -> tuple[CachedImage, ...]:
        with self._simulation.operation("list_images"):
            images = (self._cached(name) for name in self._simulation.names("images"))
            return tuple(image for image in images if image is not None)

    def evict_image(self, sha512: str) -> None:
        values.check_sha512(sha512)
        path = self._image_path(sha512)
        with self._simulation.operation("evict_image"):
            for server_id in self._simulation.names("disks"):
                disks = self._simulation.read("disks", server_id) or {}
                if any(disk["backing_path"] == path for disk in disks.values()):
                    raise ImageInUse("The image is in use on the host.", details=f"server {server_id}")
            self._simulation.remove("images", sha512)

    def damaged_images(self) -> tuple[str, ...]:
        """Records that say `damaged`."""
        with self._simulation.operation("damaged_images"):
            records = ((name, self._simulation.read("images", name)) for name in self._simulation.names("images"))
            return tuple(name for name, record in records if record is not None and record.get("damaged"))

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        with self._simulation.operation("residue"):
            paths = files.abandoned(self._simulation.directory / "images")
            for path in paths if remove else ():
                path.unlink(missing_ok=True)
            return tuple(f"partial download {path.name}" for path in paths)

    def usage(self) -> StorageUse:
        """The disks' nominal sizes count as used."""
        with self._simulation.operation("usage"):
            used = 0
            for server_id in self._simulation.names("disks"):
                disks = self._simulation.read("disks", server_id) or {}
                used += sum(disk["size_bytes"] for disk in disks.values())
            return StorageUse(self._disk_gib, max(0, self._disk_gib - used // _GIB), 0)

    def _snapshot_path(self, server_id: str) -> str:
        values.check_uuid(server_id, "a server's id")
        return str(self._simulation.directory / "snapshots" / f"{server_id}.qcow2")

    def _snapshot(self, op: str, server_id: str) -> Disk:
        """Write a real file: an empty qcow2 of the root disk's size, which the image store takes."""
        with self._simulation.operation(op) as operation:
            root = self.root(server_id)
            path = Path(self._snapshot_path(server_id))
            path.parent.mkdir(parents=True, exist_ok=True)
            operation.halfway()
            files.write(path, blank_qcow2.content(root.size_bytes))
            return Disk(str(path), "qcow2", root.size_bytes)

    def _path(self, server_id: str, name: str) -> str:
        values.check_uuid(server_id, "a server's id")
        return str(self._simulation.directory / "disks" / server_id / name)

    def _image_path(self, sha512: str) -> str:
        return str(self._simulation.directory / "images" / sha512)

    def _image(self, sha512: str, record: Mapping[str, Any]) -> CachedImage:
        declared = record.get("declared", "")
        return CachedImage(self._image_path(sha512), record["format"], record["virtual_size"], sha512, declared)

    def _cached(self, sha512: str) -> CachedImage | None:
        record = self._simulation.read("images", sha512)
        return None if record is None else self._image(sha512, record)

    def _disk(self, op: str, server_id: str, disk: Disk) -> Disk:
        with self._simulation.operation(op) as operation:
            name = disk.path.rpartition("/")[2]
            disks = self._simulation.read("disks", server_id) or {}
            if name in disks and disk.format != "iso":
                return Disk(**disks[name])
            if disk.size_bytes <= 0:
                raise DiskTooSmall("The flavor has no such disk.", details=f"{name} of {disk.size_bytes} bytes")
            operation.halfway()
            disks[name] = asdict(disk)
            self._simulation.write("disks", server_id, disks)
            return disk
