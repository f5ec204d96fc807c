"""Checking a qcow2 file: a header that QEMU opens, and tables that point into the file. Pure: no rows, no Django.

The format inspector reads the header only, and a file that was cut off keeps its header. The layout is QEMU's
docs/interop/qcow2.txt. Tenants write these files, so the check has a budget: each table is read once, the tables are
no larger than the virtual size needs, memory is bounded by the file's size and the time by CPU_SECONDS.
"""

from __future__ import annotations

import struct
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
_MORE = struct.Struct(">QQQII")  # of version 3: three feature fields, refcount_order, header_length
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_PLAIN_FLAGS = b"\x00\x80"  # the first byte of an entry that is not compressed: referred to once, or not
_CORRUPT = 1 << 1
_MAX_L1_BYTES = 32 * 1024 * 1024  # QEMU's own limits from here on
_MAX_REFCOUNT_TABLE_BYTES = 8 * 1024 * 1024
_MAX_SNAPSHOTS = 65536
_MAX_REFCOUNT_ORDER = 6
_OLD_HEADER_LENGTH, _MIN_HEADER_LENGTH = 72, 104
SLACK = 1024  # entries that an L1 table may have beyond what its disk needs: states of internal snapshots
CPU_SECONDS = 10.0  # needed by 1 TiB of compressed clusters of the usual size


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a header that decide how reading continues. Offsets and sizes in bytes."""

    version: int
    cluster_bits: int
    virtual_size: int
    encrypted: int
    l1_entries: int
    l1_offset: int
    refcounts: int
    refcount_clusters: int
    snapshots: int
    snapshots_offset: int
    features: int = 0
    refcount_order: int = 4
    length: int = _OLD_HEADER_LENGTH

    @property
    def cluster(self) -> int:
        return 1 << self.cluster_bits

    @property
    def l1_needed(self) -> int:
        """How many entries the virtual size needs: each stands for an L2 table, a cluster of 8 byte entries."""
        return -(-self.virtual_size >> (2 * self.cluster_bits - 3))


def fault(stream: BinaryIO, size: int, *, cpu_seconds: float = CPU_SECONDS) -> str | None:
    """Return the fault of a qcow2 file of ``size`` bytes as text for the user; None if it is sound."""
    stream.seek(0)
    header = _read_header(stream.read(_HEADER.size + _MORE.size))
    if header is None:
        return "its header is cut off"
    return _header_fault(header) or _place_fault(header, size) or _table_fault(stream, header, size, cpu_seconds)


def _read_header(raw: bytes) -> Header | None:
    if len(raw) < _HEADER.size:
        return None
    _, version, _, _, bits, virtual, crypt, l1, l1_at, refs, ref_clusters, snaps, snaps_at = _HEADER.unpack_from(raw)
    basic = (version, bits, virtual, crypt, l1, l1_at, refs, ref_clusters, snaps, snaps_at)
    if version < 3:
        return Header(*basic)
    if len(raw) < _HEADER.size + _MORE.size:
        return None
    features, _, _, order, length = _MORE.unpack_from(raw, _HEADER.size)
    return Header(*basic, features=features, refcount_order=order, length=length)


def _header_fault(header: Header) -> str | None:
    """Return why QEMU would not open a file with this header."""
    if header.encrypted:
        return "it is encrypted"
    if not 9 <= header.cluster_bits <= 21:
        return "its cluster size is out of range"
    if header.features & _CORRUPT:
        return "it is marked as corrupt"
    if header.refcount_order > _MAX_REFCOUNT_ORDER:
        return "its reference counts are wider than 64 bits"
    if header.version >= 3 and not _MIN_HEADER_LENGTH <= header.length <= header.cluster:
        return "the length of its header is out of range"
    if header.snapshots > _MAX_SNAPSHOTS:
        return "it has too many snapshots"
    return _size_fault(header)


def _size_fault(header: Header) -> str | None:
    if header.l1_entries * 8 > _MAX_L1_BYTES or header.l1_entries > 2 * header.l1_needed + SLACK:
        return "its tables are too large"
    if header.l1_entries < header.l1_needed:
        return "its tables are too small for its virtual size"
    if header.refcount_clusters == 0 or header.refcount_clusters * header.cluster > _MAX_REFCOUNT_TABLE_BYTES:
        return "the size of its reference count table is out of range"
    return None


def _place_fault(header: Header, size: int) -> str | None:
    places = [(header.refcounts, header.refcount_clusters * header.cluster), (header.l1_offset, header.l1_entries * 8)]
    if header.snapshots:
        places.append((header.snapshots_offset, header.snapshots * 40))  # the least that each takes
    for offset, length in places:
        if offset % header.cluster:
            return "a table does not begin at a cluster"
        if offset + length > size:
            return "it is truncated: a table is behind its end"
    return None


def _table_fault(stream: BinaryIO, header: Header, size: int, cpu_seconds: float) -> str | None:
    """Return the fault of the tables; taking too long to read is a fault too."""
    end = time.thread_time() + cpu_seconds
    for offset in _distinct(_table(stream, header.l1_offset, header.l1_entries), header.cluster_bits, size):
        if offset % header.cluster:
            return "a table does not begin at a cluster"
        if offset + header.cluster > size:
            return "it is truncated: a table is behind its end"
        stream.seek(offset)
        if _reaches(stream.read(header.cluster), header.cluster_bits, size):
            return "it is truncated: data is behind its end"
        if time.thread_time() > end:
            return "its tables take too long to check: use larger clusters"
    return None


def _distinct(entries: array[int], cluster_bits: int, size: int) -> Iterator[int]:
    """Yield the offset of each L2 table once, however many entries name it. A bit of memory per cluster."""
    seen = bytearray((size >> cluster_bits >> 3) + 1)
    for entry in entries:
        offset = entry & _OFFSET
        if not offset:
            continue
        place, bit = offset >> cluster_bits >> 3, 1 << (offset >> cluster_bits & 7)
        if place < len(seen):
            if seen[place] & bit and not offset & ((1 << cluster_bits) - 1):
                continue
            seen[place] |= bit
        yield offset


def _table(stream: BinaryIO, offset: int, count: int) -> array[int]:
    stream.seek(offset)
    return _numbers(stream.read(count * 8))


def _numbers(raw: bytes | bytearray) -> array[int]:
    entries = array("Q", raw)
    if sys.byteorder == "little":
        entries.byteswap()
    return entries


def _reaches(raw: bytes, cluster_bits: int, size: int) -> bool:
    """Return whether data of an L2 table begins at or behind ``size``."""
    flags = raw[::8]
    if not flags.translate(None, _PLAIN_FLAGS):  # at the speed of C: an offset is all that the entries have but flags
        plain = bytearray(raw)
        plain[::8] = bytes(len(flags))
        return max(_numbers(plain), default=0) & _OFFSET >= size
    compressed_offset = (1 << (62 - (cluster_bits - 8))) - 1
    return any(
        (entry & compressed_offset if entry & _COMPRESSED else entry & _OFFSET) >= size
        for entry in _numbers(raw)
        if entry
    )
