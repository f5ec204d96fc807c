"""The storage contract: the image cache of one host, and its servers' disks.

Rules that hold for every method of every driver:

- Everything is idempotent: a disk that exists as asked is left alone (a guest may have written to it) and returned.
- Removing something absent is success.
- A failed call leaves nothing behind; an incomplete file never has its final name.
- Failures are `RetryableError` (this host cannot) or `AbortError` (no host can).
- A file's format is what was recorded when it was made. A file that a guest wrote to is never probed.
- Cached images are named by the SHA-512 of their data and are read-only; no guest writes to them.
- Calls about one server are serialised by the caller; calls about one image are serialised by the driver.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from workers.drivers import values
from workers.drivers.errors import SpecInvalid
from workers.drivers.storage.arrivals import ArrivalOperations as ArrivalOperations
from workers.drivers.storage.boot_files import BootFileOperations
from workers.drivers.storage.moves import MoveOperations
from workers.drivers.storage.moves import ServerSource as ServerSource
from workers.drivers.storage.shared import SharedOperations
from workers.drivers.storage.snapshots import SnapshotOperations

Progress = Callable[[int, int], None]
"""Called as progress(bytes_done, bytes_in_all) now and then while an image is fetched."""


OVERLAYS = ("root", "rescue")
"""A server's disks that lie on cached images."""


def check_disk_name(name: str) -> str:
    """Return the name of a server's disk. Raises SpecInvalid for any other text: it becomes a file's name."""
    if name not in (*OVERLAYS, "swap") and not re.fullmatch(r"ephemeral[0-9]{1,2}", name):
        raise SpecInvalid(f"not a server's disk: {name!r}")
    return name


FORMATS = ("qcow2", "raw", "iso")
CONVERTED = ("vmdk", "vdi", "vhd", "vhdx")
"""Formats of images that a host's cache keeps as qcow2."""


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """An image as the image service records it. `size` and `virtual_size` in bytes; `min_disk` in GiB.

    `virtual_size` None: not recorded; the driver reads it from the verified file.
    """

    id: str
    sha512: str
    size: int
    disk_format: str
    virtual_size: int | None = None
    min_disk: int = 0

    def __post_init__(self) -> None:
        """The hash becomes a file name, so it must be one."""
        values.check_uuid(self.id, "an image's id")
        values.check_sha512(self.sha512)
        values.check_range(self.size, "an image's size in bytes", 1, 1 << 50)
        if self.disk_format not in (*FORMATS, *CONVERTED):
            raise SpecInvalid(f"servers cannot boot from the disk format {self.disk_format!r}")


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where an image's data is: file:///…, http://… or https://…, chosen by the cloud and never by a tenant.

    `headers` (a token, say) are sent with an HTTP request and never logged; redirects are not followed. `in_pool`:
    rbd://pool/image, for hosts that have their disks in the same cluster.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    in_pool: str = ""

    def __post_init__(self) -> None:
        """Only these schemes."""
        if urlsplit(self.url).scheme not in ("file", "http", "https"):
            raise SpecInvalid("an image's source is neither a file nor HTTP")
        if self.in_pool and urlsplit(self.in_pool).scheme != "rbd":
            raise SpecInvalid("an image's source is in no pool", details=self.in_pool)


@dataclass(frozen=True, slots=True)
class CachedImage:
    """A verified image in the cache. `virtual_size` in bytes.

    `declared`: the image's own format, where the cache has it in another; "" where not.
    """

    path: str
    format: Literal["qcow2", "raw", "iso"]
    virtual_size: int
    sha512: str
    declared: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file made for a server. `size_bytes` is the size that the guest sees; backing is None if there is none.

    `in_pool`: an image of a pool that all hosts see, its path is "pool/image" (`SharedOperations.guest_disk`).
    """

    path: str
    format: Literal["qcow2", "raw", "iso"]
    size_bytes: int
    backing_path: str | None = None
    backing_format: Literal["qcow2", "raw"] | None = None
    in_pool: bool = False


@dataclass(frozen=True, slots=True)
class StorageUse:
    """The file system that holds the disks, in GiB, and how much the image cache takes of it, in bytes."""

    total_gib: int
    free_gib: int
    cache_bytes: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A driver's capabilities."""

    formats: tuple[str, ...]
    """The image formats it takes."""
    shared: bool
    """True when other hosts see the same disks."""
    real_bytes: bool
    moves_servers: bool = False
    """True when `receive_server` brings a server's disks from another host."""


class StorageDriver(SnapshotOperations, MoveOperations, ArrivalOperations, BootFileOperations, SharedOperations, ABC):
    """One host's disks. Made by `workers.drivers.storage.loader.load(name, options)`."""

    capabilities: Capabilities

    @abstractmethod
    def cache_image(self, image: ImageSpec, source: ImageSource, progress: Progress | None = None) -> CachedImage:
        """Have the image in this host's cache, fetched and verified once however many ask at the same time.

        Success: the data is in the cache with the recorded SHA-512 and size, in the declared format, without backing or
        data file. A repeated call is cheap and does not touch the source. Raises ImageUnavailable, NotEnoughSpace
        (retryable), ImageCorrupt, ImageUnsafe (abort): nothing is left.
        """

    @abstractmethod
    def has_image(self, sha512: str) -> bool:
        """Say whether the image is in the cache, so that `cache_image` has nothing to fetch. Cheap."""

    @abstractmethod
    def create_root(self, server_id: str, image: CachedImage | None, size_gib: int) -> Disk:
        """Make the server's root disk: an overlay on the cached image, or a blank disk when image is None.

        `size_gib` 0 means the image's own virtual size. Raises DiskTooSmall when the image is larger than the disk.
        """

    @abstractmethod
    def create_ephemeral(self, server_id: str, index: int, size_gib: int) -> Disk:
        """Make the server's extra disk number `index` (from 0): ext4 labelled ephemeral<index>, empty."""

    @abstractmethod
    def create_swap(self, server_id: str, size_mib: int) -> Disk:
        """Make the server's swap disk, with a swap signature on it."""

    @abstractmethod
    def create_config_drive(self, server_id: str, contents: Mapping[str, bytes]) -> Disk:
        """Make the server's config drive: ISO 9660 with Joliet and Rock Ridge, volume label config-2.

        `contents` maps relative paths (openstack/latest/meta_data.json, …) to their bytes. Each call writes it again.
        Raises SpecInvalid for a path that is absolute, has `..`, or a control character.
        """

    @abstractmethod
    def create_rescue(self, server_id: str, image: CachedImage) -> Disk:
        """Make the disk that the server is rescued with: an overlay on the cached image, of the image's size."""

    @abstractmethod
    def remove_disk(self, server_id: str, name: str) -> None:
        """Remove a disk of the server: root, rescue, swap or ephemeral<index>. Absent is success.

        With root go the kept variables of the firmware. A guest that is on keeps what it has open. Raises SpecInvalid
        for another name.
        """

    @abstractmethod
    def remove_server(self, server_id: str) -> None:
        """Remove every file of the server, its console log and its snapshot as well. Absent is success."""

    @abstractmethod
    def list_servers(self) -> tuple[str, ...]:
        """The ids of the servers that have files on this host."""

    @abstractmethod
    def list_images(self) -> tuple[CachedImage, ...]:
        """The images in the cache."""

    @abstractmethod
    def evict_image(self, sha512: str) -> None:
        """Drop an image from the cache. Absent is success. Raises ImageInUse when a server's disk lies on it."""

    @abstractmethod
    def damaged_images(self) -> tuple[str, ...]:
        """The SHA-512 of cached images whose data is missing or changed since it was verified.

        Compares sizes and times: cheap, but does not detect bit rot. `cache_image` restores missing data; changed
        data must be evicted first.
        """

    @abstractmethod
    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """List what a killed process left behind (partial downloads, data, disks) and remove it."""

    @abstractmethod
    def usage(self) -> StorageUse:
        """How much room there is."""
