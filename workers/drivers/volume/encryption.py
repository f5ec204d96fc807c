"""Volumes that are encrypted with LUKS: what a pool has of one is a header, which the passphrase opens, and ciphertext.

QEMU encrypts and decrypts, on the server's host alone: the hypervisor's for a guest, `qemu-img` for the host's own
work. Pools, exports and backups carry ciphertext. A passphrase reaches `qemu-img` by a pipe: it is in no file, and no
argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from workers.drivers.errors import SpecInvalid, Stopped
from workers.drivers.volume import luks
from workers.drivers.volume.errors import PoolFull, PoolUnavailable, VolumeTooSmall
from workers.drivers.volume.overwriting import TIMEOUT_S, escaped
from workers.drivers.volume.specs import Export, FromImage
from workers.system import nbd, processes

_SECRET = ["--object", "secret,id=key,file=/dev/stdin"]


@dataclass(frozen=True, slots=True)
class DiskKey:
    """The passphrase of a volume, and the size of its key in bits: XTS takes two keys, of AES-128 or AES-256."""

    passphrase: str = field(repr=False)
    key_size: int = 512

    def __post_init__(self) -> None:
        """QEMU reads it to its end."""
        if self.key_size not in (256, 512) or not self.passphrase.isalnum():
            raise SpecInvalid("not a volume's key")


def header_bytes(key_size: int) -> int:
    """Return the size of the header before the data, in bytes: the volume's data begins there."""
    return luks.header_bytes(key_size // 8)


def format_volume(export: Export, key: DiskKey, size_bytes: int) -> None:
    """Write the header of a volume of `size_bytes`. What was there before cannot be read any more.

    Raises PoolFull, PoolUnavailable.
    """
    data, end = luks.header(key.passphrase.encode(), key.key_size // 8), header_bytes(key.key_size)
    try:
        with nbd.Client(export.socket, export.name) as client:
            if client.size < end + size_bytes:
                raise PoolUnavailable("The volume has no room for its header.", details=f"{client.size} bytes")
            client.zero(0, end)
            client.write_all(0, data)
            client.flush()
    except nbd.NbdError as error:
        raise PoolUnavailable("The host could not encrypt the volume.", details=str(error)) from error


def write_image(export: Export, image: FromImage, key: DiskKey, stop: Event | None = None) -> None:
    """Write an image to a volume that has its header. What is behind the image reads as noise.

    Raises VolumeTooSmall (nothing has changed), PoolFull, PoolUnavailable, Stopped.
    """
    try:
        with nbd.Client(export.socket, export.name) as client:
            room = client.size - header_bytes(key.key_size)
    except nbd.NbdError as error:
        raise PoolUnavailable("The volume does not open.", details=str(error)) from error
    if image.virtual_size > room:
        raise VolumeTooSmall("The volume is too small for its image.", details=f"{image.virtual_size} bytes in {room}")
    form = "raw" if image.format == "iso" else image.format
    argv = ["qemu-img", "convert", "-q", "-n", *_SECRET, "-f", form, image.path]
    _run([*argv, "--target-image-opts", _options(export, key)], key, stop)


def copy(
    source: Export, target: Export, keys: tuple[DiskKey | None, DiskKey | None], stop: Event | None = None
) -> None:
    """Let the target read as the source does, each by its key; None: it is not encrypted. Both have one passphrase.

    Raises PoolFull, PoolUnavailable, Stopped.
    """
    key = keys[0] or keys[1]
    assert key is not None
    zero = ["--target-is-zero"] if keys[1] is None else []
    argv = ["qemu-img", "convert", "-q", "-n", *zero, *_SECRET, "--image-opts", _options(source, keys[0])]
    _run([*argv, "--target-image-opts", _options(target, keys[1])], key, stop)


def _options(export: Export, key: DiskKey | None) -> str:
    driver = "driver=luks,key-secret=key" if key is not None else "driver=raw"
    server = f"file.driver=nbd,file.server.type=unix,file.server.path={escaped(export.socket)}"
    return f"{driver},{server},file.export={export.name}"


def _run(argv: list[str], key: DiskKey, stop: Event | None) -> None:
    def check() -> None:
        if stop is not None and stop.is_set():
            raise Stopped("The operation was stopped.")

    try:
        processes.run(argv, input=key.passphrase.encode(), timeout_s=TIMEOUT_S, memory_limit_mib=4096, poll=check)
    except processes.ProcessError as error:
        if "No space left" in error.details:
            raise PoolFull("The host has no space for the volume.", details=error.details) from error
        raise PoolUnavailable("The host could not encrypt the volume.", details=error.details) from error
