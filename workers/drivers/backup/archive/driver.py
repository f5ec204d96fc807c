"""The backup contract on a store of objects: chunks, compressed, each with its digest.

A backup reads all of the disk that is not known to be zeros. An incremental one stores the chunks whose digests differ
from its parent's: that needs nothing of the volume's back end, and holds for volumes that were restored, moved to
another back end, or written by another host meanwhile.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import unquote, urlsplit

from workers.drivers import values
from workers.drivers.backup.archive import manifest as manifests
from workers.drivers.backup.archive.bucket import Bucket
from workers.drivers.backup.archive.manifest import Chunk, Manifest
from workers.drivers.backup.archive.objects import MANIFEST, Directory, Objects
from workers.drivers.backup.base import BackupDriver, BackupInfo, BackupSpec, Disk
from workers.drivers.backup.errors import BackupDamaged, BackupMissing, StoreUnavailable, VolumeTooSmall
from workers.drivers.errors import SpecInvalid, Stopped
from workers.system import nbd

_GIB = 1 << 30
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LEVEL = 1  # of compression: as fast as disks are


class Archive(BackupDriver):
    """Options: `backup_store` (required: `file:///directory`, or `s3://bucket/prefix` with the options of Bucket),
    `reserved_gib` (2: what stays free of a directory's file system).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._objects = _objects(str(options["backup_store"]), options)

    def create_backup(self, backup: BackupSpec, disk: Disk, stop: Event | None = None) -> BackupInfo:
        made = self._find(backup.id)
        if made is None:
            parent = self._existing(backup.parent_id) if backup.parent_id is not None else None
            with _connected(disk) as client:
                if parent is not None and not manifests.fits(client.size, parent.chunk):
                    parent = None  # the volume grew so much that its chunks have to: a new chain
                made = self._copy(backup.id, parent, client, stop)
            self._objects.put(f"{backup.id}/{MANIFEST}", made.dump())
        return _info(made)

    def restore_backup(self, backup_id: str, disk: Disk, stop: Event | None = None) -> None:
        known = self._existing(backup_id)
        with _connected(disk) as client:
            if client.size < known.size:
                details = f"{known.size} bytes into {client.size}"
                raise VolumeTooSmall("The backup does not fit into the volume.", details=details)
            zeros = 0  # from here on, up to where the last chunk ended
            for number in range(-(-known.size // known.chunk)):
                _check(stop)
                if number not in known.chunks:
                    continue
                start = number * known.chunk
                client.zero(zeros, start - zeros)
                data = self._data(known, number)
                client.write_all(start, data)
                zeros = start + len(data)
            client.zero(zeros, known.size - zeros)
            client.flush()

    def delete_backup(self, backup_id: str) -> None:
        self._objects.remove(backup_id)

    def find_backup(self, backup_id: str) -> BackupInfo | None:
        known = self._find(backup_id)
        return _info(known) if known is not None else None

    def list_backups(self) -> tuple[str, ...]:
        return self._objects.backups()

    def _find(self, backup_id: str) -> Manifest | None:
        values.check_uuid(backup_id, "a backup's id")
        data = self._objects.get(f"{backup_id}/{MANIFEST}")
        return manifests.load(data) if data is not None else None

    def _existing(self, backup_id: str) -> Manifest:
        known = self._find(backup_id)
        if known is None:
            raise BackupMissing("The backup's data is not in the store that this host has.", details=backup_id)
        return known

    def _copy(self, backup_id: str, parent: Manifest | None, client: nbd.Client, stop: Event | None) -> Manifest:
        """Store the chunks that differ from the parent's."""
        chunk = parent.chunk if parent is not None else manifests.chunk_size(client.size)
        chunks: dict[int, Chunk] = {}
        objects = stored = 0
        for number, data in _chunks(client, chunk, stop):
            digest = hashlib.sha256(data).hexdigest()
            before = parent.chunks.get(number) if parent is not None else None
            if before is not None and before.digest == digest:
                chunks[number] = before
                continue
            body, kind = zlib.compress(data, _LEVEL), "z"
            if len(body) >= len(data):
                body, kind = data, "raw"
            chunks[number] = Chunk(digest, f"{backup_id}/{number:08x}.{kind}")
            self._objects.put(chunks[number].name, body)
            objects, stored = objects + 1, stored + len(body)
        parent_id = parent.id if parent is not None else None
        return Manifest(backup_id, parent_id, client.size, chunk, chunks, objects, stored)

    def _data(self, known: Manifest, number: int) -> bytes:
        """Return a chunk's plain data, compared with its digest. Raises BackupMissing, BackupDamaged."""
        item, length = known.chunks[number], min(known.chunk, known.size - number * known.chunk)
        body = self._objects.get(item.name)
        if body is None:
            raise BackupMissing("A part of the backup's data is not in the store.", details=item.name)
        if item.name.endswith(".z"):
            try:
                body = zlib.decompressobj().decompress(body, length + 1)
            except zlib.error as error:
                raise BackupDamaged("The backup's data is damaged.", details=f"{item.name}: {error}") from error
        if len(body) != length or hashlib.sha256(body).hexdigest() != item.digest:
            raise BackupDamaged("The backup's data is damaged.", details=item.name)
        return body


def _objects(url: str, options: Mapping[str, Any]) -> Objects:
    """Return the store of a URL. Raises SpecInvalid."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return Directory(Path(unquote(parts.path)), int(options.get("reserved_gib", 2)))
    if parts.scheme == "s3" and _BUCKET.fullmatch(parts.netloc):
        return Bucket(parts.netloc, unquote(parts.path), options)
    raise SpecInvalid("the store of backups is file:///directory or s3://bucket/prefix", details=url)


def _chunks(client: nbd.Client, chunk: int, stop: Event | None) -> Iterator[tuple[int, bytes]]:
    """Read a disk; yield the chunks that are not zeros, by their number."""
    offset = 0
    while offset < client.size:
        _check(stop)
        # Whole chunks that are zeros are not read.
        skipped = client.zeros(offset, client.size - offset)
        if skipped >= chunk or offset + skipped >= client.size:
            offset += skipped if offset + skipped >= client.size else skipped // chunk * chunk
            continue
        data = client.read_all(offset, min(chunk, client.size - offset))
        if data.count(0) != len(data):
            yield offset // chunk, data
        offset += len(data)


@contextmanager
def _connected(disk: Disk) -> Iterator[nbd.Client]:
    try:
        with nbd.Client(disk.socket, disk.export) as client:
            yield client
    except nbd.NbdError as error:
        raise StoreUnavailable("The volume's export does not answer.", details=str(error)) from error


def _check(stop: Event | None) -> None:
    if stop is not None and stop.is_set():
        raise Stopped("The operation was stopped.")


def _info(known: Manifest) -> BackupInfo:
    return BackupInfo(known.id, -(-known.size // _GIB), known.objects, known.stored_bytes, known.parent_id)
