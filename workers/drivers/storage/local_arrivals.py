"""Disks of servers that arrive on a host's own file system: new files, as the source's records describe them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers import values
from workers.drivers.errors import Stopped
from workers.drivers.storage import boot_files, upkeep
from workers.drivers.storage.base import CachedImage, Disk, check_disk_name
from workers.drivers.storage.errors import FilesMissing, ImageUnavailable, NotEnoughSpace, StorageUnavailable
from workers.drivers.storage.local_snapshots import NO_POOL, SNAPSHOT, LocalSnapshots, load_disk, on_disk
from workers.system import files
from workers.system.peers import client
from workers.system.peers.client import Peer
from workers.system.peers.errors import PeerError

SMALL_FILES = ("config-2", "devices.json")  # copied as they are: the guest has read them
_IMAGE = re.compile(r"image/([0-9a-f]{128})")
_OF_CONVERTED = ("declared", "digest")  # of an image that the cache has in another format than its own
_SMALL_BYTES = 64 * 1024 * 1024


class LocalArrivals(LocalSnapshots):
    """A part of LocalStorage."""

    @abstractmethod
    def _cached(self, sha512: str) -> CachedImage | None:
        """Return an image of the cache."""

    @abstractmethod
    def _image_lock(self, sha512: str) -> AbstractContextManager[None]:
        """Hold the host's lock on an image. Raises ImageUnavailable."""

    @abstractmethod
    def _make_directories(self, server_id: str) -> None:
        """Have the server's directory."""

    @abstractmethod
    def _disk(self, server_id: str, disk: Disk, make: Callable[[Disk, Path], None]) -> Disk:
        """Have a disk and its record."""

    @abstractmethod
    def _overlay(self, server_id: str, name: str, image: CachedImage, size: int) -> Disk:
        """Have an overlay on an image, of `size` bytes."""

    def describe_disks(self, server_id: str) -> bytes:
        home = Path(self._path(server_id, "root")).parent
        disks = {path.stem: load_disk(path) for path in sorted(home.glob("*.json")) if path.name not in SMALL_FILES}
        if not home.is_dir():
            raise FilesMissing("The files of the server are not on its host.", details=server_id)
        used = sum(path.stat().st_blocks * 512 for path in home.iterdir() if path.name != SNAPSHOT)
        known: dict[str, Any] = {
            "disks": {name: asdict(disk) for name, disk in disks.items() if disk is not None},
            "files": [name for name in SMALL_FILES if (home / name).is_file()],
            "boot_files": sorted(path.name for path in home.iterdir() if boot_files.FILE.fullmatch(path.name)),
            "images": {
                image.sha512: {
                    "format": image.format, "virtual_size": image.virtual_size,
                    "used": (self.paths.images / image.sha512).stat().st_blocks * 512,
                    **{name: value for name in _OF_CONVERTED if (value := self._record(image.sha512).get(name))},
                }
                for image in map(self._image_below, disks.values()) if image is not None
            },
            "used": used,
        }  # fmt: skip
        return json.dumps(known).encode()

    def handed_file(self, server_id: str, name: str) -> Path:
        if image := _IMAGE.fullmatch(name):
            if image[1] in json.loads(self.describe_disks(server_id))["images"]:  # the server's own, and no other
                return self.paths.images / image[1]
        elif name in SMALL_FILES or boot_files.FILE.fullmatch(name):
            return Path(self._path(server_id, name))
        raise FilesMissing("The server has no such file.", details=name)

    def prepare_disks(self, server_id: str, source: Peer, stop: Event) -> None:
        with _read_from_peer():
            known = json.loads(client.read(source, server_id, "layout"))
            self._have_images(server_id, known, source, stop, beside=known["used"])
            for name, record in known["disks"].items():
                if stop.is_set():
                    raise Stopped("Preparing the disks was stopped.", details=server_id)
                self._make(server_id, check_disk_name(name), Disk(**record))
            for name in known["files"]:
                self._copy_small(server_id, name, source)
            for name in known.get("boot_files", ()):
                self._copy_boot_file(server_id, name, source, stop)

    def receive_images(self, server_id: str, source: Peer, stop: Event) -> None:
        with _read_from_peer():
            self._have_images(server_id, json.loads(client.read(source, server_id, "layout")), source, stop)

    def keep_console(self, server_id: str, text: bytes) -> None:
        """As an older log, beside what virtlogd writes; it rotates it on."""
        log = self.paths.console_log(server_id)
        with on_disk():
            self._make_directories(server_id)
            files.write(log.with_name(f"{log.name}.0"), text)

    def _image_below(self, disk: Disk | None) -> Any:
        return None if disk is None or disk.backing_path is None else self._cached(Path(disk.backing_path).name)

    def _check_room_for_arrival(self, used: int) -> None:
        with on_disk():
            files.make_directory(self.paths.root, 0o711)
            free = shutil.disk_usage(self.paths.root).free
        if free < used + self.reserved_bytes:
            raise NotEnoughSpace(
                "The host has no space for the server's disks.", details=f"{used} bytes wanted, {free} free"
            )

    def _record(self, sha512: str) -> Any:
        return json.loads(files.read(self.paths.images / f"{sha512}.json") or b"{}")

    def _have_images(self, server_id: str, known: Any, source: Peer, stop: Event, *, beside: int = 0) -> None:
        """Have the server's images. Raises NotEnoughSpace where they, and so many bytes beside them, have no room."""
        for sha512 in known["images"]:
            values.check_sha512(sha512)
        missing = {key: facts for key, facts in known["images"].items() if self._cached(key) is None}
        # A source of before does not say how large they are.
        wanted = beside + sum(int(facts.get("used", 0)) for facts in missing.values())
        if wanted:
            self._check_room_for_arrival(wanted)
        for sha512, facts in missing.items():
            self._have_image(server_id, sha512, facts, source, stop)

    def _have_image(self, server_id: str, sha512: str, facts: Any, source: Peer, stop: Event) -> None:
        """Have an image in the cache: from the other host, where its image service has it no longer."""
        if self._cached(sha512) is not None:
            return
        with self._image_lock(sha512):
            if self._cached(sha512) is not None:
                return
            part = self.paths.images / f"{files.TEMPORARY_PREFIX}{sha512}"
            with on_disk():
                files.make_directory(self.paths.images, 0o711)
                part.unlink(missing_ok=True)
                try:
                    if not client.fetch(source, server_id, f"file image/{sha512}", part, stop):
                        raise Stopped("Fetching the image was stopped.", details=sha512)
                    if digest_of(part) != (facts["digest"] if facts.get("declared") else sha512):
                        raise ImageUnavailable("The image is damaged on the other host.", details=sha512)
                    part.chmod(0o444)
                    os.replace(part, self.paths.images / sha512)
                finally:
                    part.unlink(missing_ok=True)
                record = {"format": facts["format"], "virtual_size": int(facts["virtual_size"])}
                record |= {name: str(facts[name]) for name in _OF_CONVERTED if facts.get(name)}
                record |= upkeep.stamp(self.paths.images / sha512)
                files.write(self.paths.images / f"{sha512}.json", json.dumps(record).encode(), 0o444)

    def _make(self, server_id: str, name: str, there: Disk) -> None:
        """Make an empty disk: an overlay on the same image, a blank qcow2, or a sparse file."""
        if there.in_pool:
            raise StorageUnavailable(NO_POOL, details=name)
        disk = replace(there, path=self._path(server_id, name))
        if there.backing_path is None:
            self._disk(server_id, disk, self._make_empty if disk.format == "qcow2" else make_sparse)
            return
        sha512 = Path(there.backing_path).name
        values.check_sha512(sha512)
        image = self._cached(sha512)
        if image is None:
            raise ImageUnavailable("The image is not on the host.", details=there.backing_path)
        self._overlay(server_id, name, image, disk.size_bytes)

    def _copy_small(self, server_id: str, name: str, source: Peer) -> None:
        if name not in SMALL_FILES:
            raise StorageUnavailable("The other host offers a file of another name.", details=name)
        data = client.read(source, server_id, f"file {name}", _SMALL_BYTES)
        with on_disk():
            self._make_directories(server_id)
            files.write(Path(self._path(server_id, name)), data, 0o600)

    def _copy_boot_file(self, server_id: str, name: str, source: Peer, stop: Event) -> None:
        if not boot_files.FILE.fullmatch(name):
            raise StorageUnavailable("The other host offers a file of another name.", details=name)
        path = Path(self._path(server_id, name))
        with on_disk():
            self._make_directories(server_id)
            if path.is_file():
                return
            with files.appearing(path) as temporary:
                if not client.fetch(source, server_id, f"file {name}", temporary, stop):
                    raise Stopped("Preparing the disks was stopped.", details=server_id)


@contextmanager
def _read_from_peer() -> Iterator[None]:
    """Tell errors of another host's answers as the contract does."""
    try:
        yield
    except PeerError as error:
        raise StorageUnavailable(error.message, details=error.details) from error
    except (KeyError, TypeError, ValueError) as error:
        raise StorageUnavailable("The other host describes disks otherwise.", details=str(error)) from error


def digest_of(path: Path) -> str:
    """Return a file's SHA-512, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha512").hexdigest()


def make_sparse(disk: Disk, path: Path) -> None:
    """Make a file that takes the space that the guest writes."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
        stream.truncate(disk.size_bytes)
