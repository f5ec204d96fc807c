"""Hand-made image data of every format, also such that qemu-img must never read."""

import struct

CLUSTER = 65536


def qcow2(
    *,
    size: int = 2**30,
    backing: int = 0,
    features: int = 0,
    version: int = 3,
    encrypted: int = 0,
    data_at: int | None = None,
    length: int = 5 * CLUSTER,
    filler: bytes = b"\x00",
    l1_entries: int | None = None,
    refcount_order: int = 4,
    header_length: int = 104,
) -> bytes:
    """Return a small qcow2 file: header, refcounts at cluster 1, L1 at 3, one L2 at 4 when ``data_at`` is given."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb",
        version,
        backing,
        8 if backing else 0,
        16,
        size,
        encrypted,
        l1_entries or min(max(-(-size // 2**29), 2), CLUSTER // 8),
        3 * CLUSTER,
        CLUSTER,
        1,
        0,
        0,
    )
    if version == 3:
        header += struct.pack(">QQQII", features, 0, 0, refcount_order, header_length)
    image = bytearray(filler * length)
    image[: len(header)] = header
    if filler != b"\x00":
        image[3 * CLUSTER : 3 * CLUSTER + 16] = bytes(16)
    if data_at is not None:
        image[3 * CLUSTER : 3 * CLUSTER + 8] = struct.pack(">Q", 4 * CLUSTER)
        image[4 * CLUSTER : 5 * CLUSTER] = bytes(CLUSTER)
        image[4 * CLUSTER : 4 * CLUSTER + 8] = struct.pack(">Q", data_at)
    return bytes(image[:length])


def mbr() -> bytes:
    """Return the start of a raw disk with a partition table."""
    entry = bytes([0x80, 0, 2, 0, 0x83, 0, 0, 0]) + struct.pack("<II", 2048, 4096)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa" + bytes(8192)


def iso() -> bytes:
    """Return the start of an ISO 9660 file system."""
    descriptor = bytearray(2048)
    descriptor[:7] = b"\x01CD001\x01"
    descriptor[80:88] = struct.pack("<I", 20) + struct.pack(">I", 20)
    descriptor[128:132] = struct.pack("<H", 2048) + struct.pack(">H", 2048)
    return bytes(32768) + bytes(descriptor) + bytes(2048 * 4)


def flat_vmdk(padding: bytes = b"\n") -> bytes:
    """Return a VMDK descriptor that names a file of the host (CVE-2022-47951)."""
    text = (
        '# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
        'RW 2048 FLAT "/etc/passwd" 0\n'
    )
    return text.encode().ljust(4096, padding)


RAW = b"just some bytes, no format at all " * 300


def back_references(*, cluster_bits: int = 21, entries: int = 2048) -> bytes:
    """Return a qcow2 file whose L1 entries all name one L2 table: small to send, long to walk."""
    cluster = 1 << cluster_bits
    virtual_size = entries << (2 * cluster_bits - 3)
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, cluster_bits, virtual_size, 0, entries, 3 * cluster,
                         cluster, 1, 0, 0) + struct.pack(">QQQII", 0, 0, 0, 4, 104)  # fmt: skip
    l1_clusters = -(-entries * 8 // cluster)
    image = bytearray((4 + l1_clusters) * cluster)
    image[: len(header)] = header
    image[3 * cluster : 3 * cluster + 8 * entries] = struct.pack(">Q", 1 << 63 | (3 + l1_clusters) * cluster) * entries
    return bytes(image)
