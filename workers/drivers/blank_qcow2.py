"""An empty disk as the bytes of a qcow2 file, as `qemu-img create` writes one.

The layout is QEMU's docs/interop/qcow2.txt.
"""

from __future__ import annotations

import struct

_BITS = 16
_CLUSTER = 1 << _BITS
_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_HEADER_LENGTH = 104


_BACKING_FORMAT, _END = 0xE2792ACA, 0


def content(size_bytes: int, backing: tuple[str, str] | None = None) -> bytes:
    """Return a file without data of a disk of `size_bytes`: header, table and block of reference counts, L1 table.

    `backing`: the name and the format of the file below it; without one it reads as zeros.
    """
    entries = -(-size_bytes // (_CLUSTER * _CLUSTER // 8))
    l1_clusters = -(-entries * 8 // _CLUSTER)
    extensions, name = _backing(*backing) if backing is not None else (b"", b"")
    offset = _HEADER_LENGTH + len(extensions) if name else 0
    header = _HEADER.pack(
        b"QFI\xfb", 3, offset, len(name), _BITS, size_bytes, 0, entries, 3 * _CLUSTER, _CLUSTER, 1, 0, 0, 0, 0, 0, 4,
        _HEADER_LENGTH,
    )  # fmt: skip
    table = struct.pack(">Q", 2 * _CLUSTER)
    counts = struct.pack(">H", 1) * (3 + l1_clusters)
    parts = (header + extensions + name, table, counts, bytes(l1_clusters * _CLUSTER))
    return b"".join(part.ljust(_CLUSTER, b"\0") for part in parts)


def _backing(name: str, disk_format: str) -> tuple[bytes, bytes]:
    """Return the header's extension that says the format of the file below, and that file's name, which follows it."""
    kind = disk_format.encode()
    extension = struct.pack(">II", _BACKING_FORMAT, len(kind)) + kind.ljust(-(-len(kind) // 8) * 8, b"\0")
    return extension + struct.pack(">II", _END, 0), name.encode()
