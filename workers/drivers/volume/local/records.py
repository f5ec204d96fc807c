"""What a pool records of a volume: which files hold its content, and those of its snapshots.

A volume is a directory with its record, `volume.json`, and its layers: files of which each holds what changed since
the layer below it. Only the top layer of the volume is written to; all others are never changed while anybody else has
them. A volume that was created from another one, or from an image, has hard links to the layers below its own: the
file system counts who needs a file, and neither the source nor the host's image cache has to stay.

A layer's name is its format's: `<16 hexadecimal digits>.qcow2` or `.raw`. It is the same in every directory.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from workers.drivers import values
from workers.drivers.volume.specs import Format
from workers.system import files

RECORD = "volume.json"
COPY = "copy"  # with its format behind it: a whole copy of the content, for the one who reads it
Chain = tuple[str, ...]
"""Names of layers, the top one first."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The layers that hold a snapshot's content, and its size in bytes."""

    chain: Chain
    size: int


@dataclass(frozen=True, slots=True)
class Record:
    """A volume as the pool has it. `size` in bytes.

    `pending` are snapshots whose top layer may still be written to: the record names the new top layer first, then the
    export switches to it, then they become `snapshots`. Killed in between, no content is lost or misplaced: the new
    layer is empty until the export writes to it. The key "" is of a layer that became a clone's.
    `clean_ns` is the time at which the top layer was last written to when it was made, or 0.
    """

    size: int
    format: Format
    chain: Chain
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    pending: Mapping[str, Snapshot] = field(default_factory=dict)
    clean_ns: int = 0

    @property
    def top(self) -> str:
        """The layer that is written to."""
        return self.chain[0]

    def chains(self) -> list[Chain]:
        """The chains of the volume and its snapshots."""
        return [self.chain, *(item.chain for item in (*self.snapshots.values(), *self.pending.values()))]

    def layers(self) -> set[str]:
        """All layers that the volume or one of its snapshots needs."""
        return {layer for chain in self.chains() for layer in chain}

    def without_layer(self, layer: str) -> Record:
        """The record after a layer was merged into the one below it."""

        def less(known: Mapping[str, Snapshot]) -> dict[str, Snapshot]:
            return {key: replace(item, chain=_less(item.chain, layer)) for key, item in known.items()}

        return replace(self, chain=_less(self.chain, layer), snapshots=less(self.snapshots), pending=less(self.pending))


def _less(chain: Chain, layer: str) -> Chain:
    return tuple(name for name in chain if name != layer)


def new_layer(disk_format: str) -> str:
    """A name for a new layer."""
    return f"{secrets.token_hex(8)}.{disk_format}"


def format_of(layer: str) -> str:
    """A layer's format, as it was recorded in its name when it was made."""
    return layer.rpartition(".")[2]


class Directory:
    """The pool's directory. Its records are written whole and flushed."""

    def __init__(self, root: Path) -> None:
        """Remember where it is; nothing is touched."""
        self.root = root

    def of(self, volume_id: str) -> Path:
        """A volume's directory. Raises SpecInvalid for what is not an id."""
        values.check_uuid(volume_id, "a volume's id")
        return self.root / volume_id

    def make(self, volume_id: str) -> Path:
        """Make a volume's directory. Only root looks into the pool."""
        files.make_directory(self.root, 0o700)
        directory = self.of(volume_id)
        files.make_directory(directory, 0o700)
        return directory

    def load(self, volume_id: str) -> Record | None:
        """A volume's record; None: there is no such volume."""
        return self.load_at(self.of(volume_id))

    def load_at(self, directory: Path) -> Record | None:
        """The record in a directory, or None."""
        data = files.read(directory / RECORD)
        if data is None:
            return None
        known = json.loads(data)
        return Record(
            size=known["size"],
            format=known["format"],
            chain=tuple(known["chain"]),
            snapshots=_snapshots(known["snapshots"]),
            pending=_snapshots(known["pending"]),
            clean_ns=known["clean_ns"],
        )

    def save(self, volume_id: str, record: Record) -> None:
        """Write a record so that it survives a power cut, with the names of the layers beside it."""
        directory = self.of(volume_id)
        files.write(directory / RECORD, json.dumps(asdict(record)).encode(), durable=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def names(self) -> tuple[str, ...]:
        """The ids of all directories in the pool."""
        entries = self.root.iterdir() if self.root.is_dir() else ()
        return tuple(sorted(item.name for item in entries if values.is_uuid(item.name) and item.is_dir()))

    def strays(self, volume_id: str, record: Record | None) -> Iterator[Path]:
        """The files in a volume's directory that its record does not name."""
        known = set() if record is None else {RECORD, f"{COPY}.raw", f"{COPY}.qcow2", *record.layers()}
        for path in sorted(self.of(volume_id).iterdir()):
            if path.name not in known:
                yield path


def _snapshots(data: Mapping[str, Mapping[str, object]]) -> dict[str, Snapshot]:
    return {key: Snapshot(tuple(item["chain"]), int(str(item["size"]))) for key, item in data.items()}  # type: ignore[arg-type]
