"""What a backup is made of: for each chunk of the volume that is not zeros, its digest and the object that holds it.

A manifest is complete: an incremental backup's names the objects of its parents for what did not change. It is written
last, so that a backup with a manifest is whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.drivers import values
from workers.drivers.backup.errors import BackupDamaged

VERSION = 1
SMALLEST_CHUNK = 4 << 20
MOST_CHUNKS = 1 << 16
_OBJECT = re.compile(r"[0-9a-f]{8}\.(z|raw)\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Chunk:
    """`digest` is the SHA-256 of the plain data, `name` that of the object: `<backup's id>/<number>.z` or `.raw`."""

    digest: str
    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`size` is the volume's in bytes, `chunk` that of a chunk; `chunks` are by their number."""

    id: str
    parent_id: str | None
    size: int
    chunk: int
    chunks: Mapping[int, Chunk]
    objects: int
    stored_bytes: int

    def dump(self) -> bytes:
        """The manifest as it is stored."""
        chunks = {str(number): [item.digest, item.name] for number, item in self.chunks.items()}
        document = {
            "version": VERSION, "id": self.id, "parent_id": self.parent_id, "size": self.size, "chunk": self.chunk,
            "objects": self.objects, "stored_bytes": self.stored_bytes, "chunks": chunks,
        }  # fmt: skip
        return json.dumps(document).encode()


def load(data: bytes) -> Manifest:
    """Read a manifest. Raises BackupDamaged for one that nobody here wrote."""
    try:
        return _read(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupDamaged("The backup's manifest cannot be read.", details=str(error)[:500]) from error


def _read(document: Mapping[str, Any]) -> Manifest:
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']}")
    size, chunk = int(document["size"]), int(document["chunk"])
    if size <= 0 or not SMALLEST_CHUNK <= chunk <= 1 << 30 or not fits(size, chunk):
        raise ValueError(f"{size} bytes in chunks of {chunk}")
    chunks = {}
    for number, (digest, name) in document["chunks"].items():
        backup_id, _, rest = name.partition("/")
        if not (_DIGEST.match(digest) and values.is_uuid(backup_id) and _OBJECT.match(rest)):
            raise ValueError(f"chunk {number}")
        if not 0 <= int(number) * chunk < size:
            raise ValueError(f"chunk {number} is outside of the volume")
        chunks[int(number)] = Chunk(digest, name)
    parent_id = document["parent_id"]
    return Manifest(
        str(document["id"]), parent_id, size, chunk, chunks, int(document["objects"]), int(document["stored_bytes"])
    )


def fits(size: int, chunk: int) -> bool:
    """Whether a volume has no more chunks of that size than a manifest may have."""
    return -(-size // chunk) <= 4 * MOST_CHUNKS


def chunk_size(size: int) -> int:
    """The size of chunks of a new chain of backups, whole MiB: large volumes have larger ones, not more of them."""
    mib = 1 << 20
    return max(SMALLEST_CHUNK, -(-size // MOST_CHUNKS // mib) * mib)
