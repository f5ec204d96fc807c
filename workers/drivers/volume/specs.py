"""The values of the volume contract: volumes, their sources, exports, and a pool's capabilities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from workers.drivers import values
from workers.drivers.errors import SpecInvalid

Format = Literal["qcow2", "raw"]

MAX_SIZE_GIB = 64 * 1024
_EXPORT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A volume to create. Its format is recorded and never probed afterwards."""

    id: str
    size_gib: int
    format: Format = "qcow2"

    def __post_init__(self) -> None:
        """The id becomes a file name."""
        values.check_uuid(self.id, "a volume's id")
        values.check_range(self.size_gib, "a volume's size in GiB", 1, MAX_SIZE_GIB)
        if self.format not in ("qcow2", "raw"):
            raise SpecInvalid(f"a volume's format is qcow2 or raw, not {self.format!r}")


@dataclass(frozen=True, slots=True)
class FromImage:
    """Create from a verified image in the host's cache. `virtual_size` in bytes."""

    path: str
    format: Literal["qcow2", "raw", "iso"]
    virtual_size: int

    def __post_init__(self) -> None:
        """Only absolute paths."""
        values.check_plain_text(self.path, "an image's path")
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
class ExportSpec:
    """One attachment's view of a volume. `name` is unguessable, and no two attachments share one."""

    name: str
    readonly: bool = False

    def __post_init__(self) -> None:
        """The name is an identifier of QEMU's too."""
        if not _EXPORT.match(self.name):
            raise SpecInvalid("an export's name is a letter, then letters, digits, _ and -", details=self.name)


@dataclass(frozen=True, slots=True)
class Export:
    """An open export: NBD, by `name`, on the unix socket `socket` of the volume's host."""

    volume_id: str
    name: str
    socket: str


@dataclass(frozen=True, slots=True)
class VolumeInfo:
    """A volume in the pool. `used_bytes` is the space its files take; those it shares with others count in each."""

    id: str
    size_gib: int
    format: Format
    snapshots: tuple[str, ...] = ()
    used_bytes: int = 0


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
    """How many files the content of one volume may be spread over: snapshots and clones add one each."""
