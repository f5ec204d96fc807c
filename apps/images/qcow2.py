"""Reading a qcow2 file's own tables: is all of what they point to in the file? Pure: no rows, no Django.

The format inspector reads the header only, and a file that was cut off keeps its header. The layout is QEMU's
docs/interop/qcow2.txt. Memory and time are bounded by the file's size.
"""

from __future__ import annotations

import struct
import sys
from array import array
from typing import BinaryIO

_HEADER = struct.Struct(">4sIQIIQIIQQIIQ")
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_MAX_L1_BYTES = 32 * 1024 * 1024  # QEMU's own limit


def fault(stream: BinaryIO, size: int) -> str | None:
    """Return what is wrong with a qcow2 file of ``size`` bytes, in words for the user; None when it is whole."""
    stream.seek(0)
    raw = stream.read(_HEADER.size)
    if len(raw) < _HEADER.size:
        return "its header is cut off"
    _, _, _, _, cluster_bits, _, encrypted, l1_size, l1_offset, refcounts, refcount_clusters, _, _ = _HEADER.unpack(raw)
    if encrypted:
        return "it is encrypted"
    if not 9 <= cluster_bits <= 21:
        return "its cluster size is out of range"
    if l1_size * 8 > _MAX_L1_BYTES:
        return "its tables are too large"
    if refcounts + (refcount_clusters << cluster_bits) > size or l1_offset + l1_size * 8 > size:
        return "it is truncated: a table lies behind its end"
    for entry in _table(stream, l1_offset, l1_size):
        offset = entry & _OFFSET
        if offset == 0:
            continue
        if offset + (1 << cluster_bits) > size:
            return "it is truncated: a table lies behind its end"
        if _last(_table(stream, offset, 1 << (cluster_bits - 3)), cluster_bits) >= size:
            return "it is truncated: data lies behind its end"
    return None


def _table(stream: BinaryIO, offset: int, count: int) -> array[int]:
    stream.seek(offset)
    entries = array("Q", stream.read(count * 8))
    if sys.byteorder == "little":
        entries.byteswap()
    return entries


def _last(entries: array[int], cluster_bits: int) -> int:
    """Return the highest offset in the file where data of an L2 table begins; -1 for none."""
    compressed_offset = (1 << (62 - (cluster_bits - 8))) - 1
    last = -1
    for entry in entries:
        if entry:
            last = max(last, entry & compressed_offset if entry & _COMPRESSED else (entry & _OFFSET) or -1)
    return last
