"""The values of the volume contract: volumes, their sources, exports, and a pool's capabilities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workers.drivers import values
from workers.drivers.errors import SpecInvalid
from workers.drivers.volume.errors import NotUnmanaged
from workers.system.ceph.access import ClusterImage

Format = Literal["qcow2", "raw"]

MAX_SIZE_GIB = 64 * 1024
_EXPORT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}\Z")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A volume to create. Its format is recorded and never probed afterwards.

    `header_bytes`: what the pool keeps of it is larger by that, because it is encrypted. A pool knows nothing else of
    encryption: it copies what it has.
    """

    id: str
    size_gib: int
    format: Format = "qcow2"
    backend: str = ""  # "": the first of the host
    header_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """What the pool keeps."""
        return (self.size_gib << 30) + self.header_bytes

    def __post_init__(self) -> None:
        """The id becomes a file name."""
        values.check_range(self.header_bytes, "a header's size in bytes", 0, (1 << 30) - 1)
        values.check_uuid(self.id, "a volume's id")
        values.check_range(self.size_gib, "a volume's size in GiB", 1, MAX_SIZE_GIB)
        if self.format not in ("qcow2", "raw"):
            raise SpecInvalid(f"a volume's format is qcow2 or raw, not {self.format!r}")


@dataclass(frozen=True, slots=True)
class FromImage:
    """Create from a verified image in the host's cache. `virtual_size` in bytes. `in_pool`: "pool/image" of the image
    store in a cluster, instead of a file; the image is named by its hash as the file would be.
    """

    path: str
    format: Literal["qcow2", "raw", "iso"]
    virtual_size: int
    in_pool: str = ""

    def __post_init__(self) -> None:
        """Only absolute paths."""
        values.check_plain_text(self.path, "an image's path")
        values.check_plain_text(self.in_pool, "an image's name in a pool")
        if not self.path.startswith("/"):
            raise SpecInvalid("an image's path must be absolute", details=self.path)


@dataclass(frozen=True, slots=True)
class FromSnapshot:
    """Create from a snapshot of a volume in the same pool."""

    volume_id: str
    snapshot_id: str

    def __post_init__(self) -> None:
        """Both become file names."""
        values.check_uuid(self.volume_id, "a volume's id")
        values.check_uuid(self.snapshot_id, "a snapshot's id")


@dataclass(frozen=True, slots=True)
class FromVolume:
    """Create from the present content of a volume in the same pool."""

    volume_id: str

    def __post_init__(self) -> None:
        """The id becomes a file name."""
        values.check_uuid(self.volume_id, "a volume's id")


Source = FromImage | FromSnapshot | FromVolume | None
"""Where a new volume's content comes from; None: it reads as zeros."""


@dataclass(frozen=True, slots=True)
class Listening:
    """How another host reaches an export: by mutual TLS, at an address and a port of the volume's host.

    `client`: the only host that is let in, by the name in its certificate.
    """

    client: str
    address: str
    port: int

    def __post_init__(self) -> None:
        """They become words of a command line."""
        if not _HOST.match(self.client) or not _HOST.match(self.address.replace(":", ".")):
            raise SpecInvalid("not a host", details=f"{self.client} {self.address}")
        values.check_range(self.port, "a port", 1, 65535)


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """One attachment's view of a volume, on one host. `name` is unguessable, and no two exports share one.

    `owner`: the attachment. While a server moves, its attachment has an export for each of two hosts; exports of
    different owners write to a raw volume alone. `listening`: for another host than the volume's.
    """

    name: str
    readonly: bool = False
    owner: str = ""
    listening: Listening | None = None

    def __post_init__(self) -> None:
        """The name is an identifier of QEMU's too."""
        if not _EXPORT.match(self.name):
            raise SpecInvalid("an export's name is a letter, then letters, digits, _ and -", details=self.name)


@dataclass(frozen=True, slots=True)
class RemoteExport:
    """An export that another host, `host`, has open for this one. `owner`: the attachment. `size_gib`: the volume's."""

    volume_id: str
    name: str
    owner: str
    host: str
    address: str
    port: int
    size_gib: int
    readonly: bool = False

    def __post_init__(self) -> None:
        """They become words of a command line, and file names."""
        values.check_uuid(self.volume_id, "a volume's id")
        ExportSpec(self.name, listening=Listening(self.host, self.address, self.port))


GuestDisk = ClusterImage
"""A volume that guests of any host reach by themselves."""


@dataclass(frozen=True, slots=True)
class Export:
    """An open export: NBD, by `name`, on a unix socket of this host; or, without one, what a guest uses instead.

    `listening`: another host has it. `owner` and `size_gib`, where this host has it from another one: the attachment,
    and the size that guests see.
    """

    volume_id: str
    name: str
    socket: str
    listening: Listening | None = None
    owner: str = ""
    size_gib: int = 0
    direct: GuestDisk | None = None


@dataclass(frozen=True, slots=True)
class VolumeInfo:
    """A volume in the pool. `used_bytes` is the space its files take; those it shares with others count in each."""

    id: str
    size_gib: int
    format: Format
    snapshots: tuple[str, ...] = ()
    used_bytes: int = 0
    shared: bool = False  # all hosts see it
    backend: str = ""  # of several, the one that has it


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """What the pool has and no volume is. `reference` names it."""

    reference: str
    size_gib: int


UNMANAGED = "unmanaged-"
"""What the name of a snapshot begins with that was released."""

_REFERENCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\Z")


def is_reference(name: str) -> bool:
    """Return whether something that is not a volume may have this name in a pool."""
    return bool(_REFERENCE.match(name))


def check_reference(name: str) -> None:
    """Raise NotUnmanaged for what nothing in a pool is called."""
    if not is_reference(name):
        raise NotUnmanaged("The pool has no such volume.", details=name[:200])


@dataclass(frozen=True, slots=True)
class PoolUse:
    """The pool's file system, in GiB. `reserve_gib` of it stay free: the pool refuses before."""

    total_gib: int
    free_gib: int
    reserve_gib: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A driver's capabilities. Ask this; never ask a driver for its class."""

    formats: tuple[Format, ...]
    shared: bool
    """True when every host sees the same pool."""
    real_bytes: bool
    snapshots_in_use: bool
    """True when an exported volume can be snapshotted and cloned."""
    max_chain: int
    """How many files the content of one volume may be spread over: snapshots and clones add one each. 0: any number."""
    direct: bool = False
    """True when guests use volumes without exports, on every host (`optional.Direct`)."""
    converts: bool = False
    """True when volumes are kept in several formats (`optional.Converting`)."""
    manages: bool = False
    """True when volumes and snapshots are taken over, and released with their content (`optional.Managing`)."""
