"""An empty disk as the bytes of a qcow2 file, for drivers without real disks.

The layout is QEMU's docs/interop/qcow2.txt.
"""

from __future__ import annotations

import struct

_BITS = 16
_CLUSTER = 1 << _BITS
_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_HEADER_LENGTH = 104


def content(size_bytes: int) -> bytes:
    """Return a file without data of a disk of `size_bytes`: header, table and block of reference counts, L1 table."""
    entries = -(-size_bytes // (_CLUSTER * _CLUSTER // 8))
    l1_clusters = -(-entries * 8 // _CLUSTER)
    header = _HEADER.pack(
        b"QFI\xfb", 3, 0, 0, _BITS, size_bytes, 0, entries, 3 * _CLUSTER, _CLUSTER, 1, 0, 0, 0, 0, 0, 4, _HEADER_LENGTH
    )
    table = struct.pack(">Q", 2 * _CLUSTER)
    counts = struct.pack(">H", 1) * (3 + l1_clusters)
    parts = (header, table, counts, bytes(l1_clusters * _CLUSTER))
    return b"".join(part.ljust(_CLUSTER, b"\0") for part in parts)
