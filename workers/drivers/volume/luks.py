"""The header of a LUKS 1 container, made in milliseconds: `qemu-img create` measures the processor for seconds first.

As its specification says (Clemens Fruhwirth, LUKS On-Disk Format Specification 1.2.3). The payload's key is random; the
first of eight slots has it, split over 4000 stripes and encrypted with a key that is derived from the passphrase. The
passphrase is random too, of 256 bits: nothing is gained by making each guess slow.
"""

from __future__ import annotations

import hashlib
import os
import struct
import uuid

SLOTS, STRIPES, ALIGNED, SECTOR = 8, 4000, 4096, 512
ITERATIONS = 2000  # QEMU refuses fewer than 1000
_ENABLED, _DISABLED = 0x00AC71F3, 0x0000DEAD
_HEADER = struct.Struct(">6sH32s32s32sII20s32sI40s")
_SLOT = struct.Struct(">II32sII")
_HASH = "sha256"


def slot_bytes(key_bytes: int) -> int:
    """Return the room of one slot's key material."""
    return -(-key_bytes * STRIPES // ALIGNED) * ALIGNED


def header_bytes(key_bytes: int) -> int:
    """Return where the data begins."""
    return ALIGNED + SLOTS * slot_bytes(key_bytes)


def header(passphrase: bytes, key_bytes: int) -> bytes:
    """Return a new container's header, with the first slot's key material: what is behind it, up to the data, is zeros.

    AES in XTS mode: 32 bytes are two keys of AES-128, 64 two of AES-256.
    """
    master, salts = os.urandom(key_bytes), [os.urandom(32) for _ in range(SLOTS + 1)]
    digest = hashlib.pbkdf2_hmac(_HASH, master, salts[0], ITERATIONS, 20)
    head = _HEADER.pack(
        b"LUKS\xba\xbe", 1, b"aes", b"xts-plain64", _HASH.encode(), header_bytes(key_bytes) // SECTOR, key_bytes,
        digest, salts[0], ITERATIONS, str(uuid.uuid4()).encode(),
    )  # fmt: skip
    for number in range(SLOTS):
        offset = (ALIGNED + number * slot_bytes(key_bytes)) // SECTOR
        used = (_ENABLED, ITERATIONS, salts[1]) if number == 0 else (_DISABLED, 0, bytes(32))
        head += _SLOT.pack(*used, offset, STRIPES)
    derived = hashlib.pbkdf2_hmac(_HASH, passphrase, salts[1], ITERATIONS, key_bytes)
    return head.ljust(ALIGNED, b"\0") + _encrypted(derived, _split(master))


def _split(master: bytes) -> bytes:
    """Spread a key over stripes, of which each bit is needed to have it back."""
    stripes, mixed = [], bytes(len(master))
    for _ in range(STRIPES - 1):
        stripe = os.urandom(len(master))
        stripes.append(stripe)
        mixed = _diffused(_xor(mixed, stripe))
    return b"".join([*stripes, _xor(mixed, master)])


def _diffused(block: bytes) -> bytes:
    size = hashlib.new(_HASH).digest_size
    parts = (block[start : start + size] for start in range(0, len(block), size))
    digests = (hashlib.sha256(struct.pack(">I", number) + part).digest() for number, part in enumerate(parts))
    return b"".join(digests)[: len(block)]


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))


def _encrypted(key: bytes, data: bytes) -> bytes:
    """Encrypt by sectors, whose numbers are the tweaks."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # here: most hosts never need it

    parts = []
    for number in range(len(data) // SECTOR):
        tweak = number.to_bytes(16, "little")
        encryptor = Cipher(algorithms.AES(key), modes.XTS(tweak)).encryptor()
        parts.append(encryptor.update(data[number * SECTOR : (number + 1) * SECTOR]) + encryptor.finalize())
    return b"".join(parts)
