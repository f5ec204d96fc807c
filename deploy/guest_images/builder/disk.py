"""The disk: a dos partition table, a FAT partition with syslinux and the kernel, an ext4 root.

Each partition is built as a separate file and copied to its offset; no mount or loop device is needed. The root comes
last, so that it can grow with the disk.
"""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

from . import shell

MIB = 1024 * 1024
SECTOR = 512
ALIGNMENT = 2048
"""Sectors before the first partition and between starts: 1 MiB."""

MBR_CODE = Path("/usr/lib/syslinux/mbr/mbr.bin")

TOOLS = ("mkfs.vfat", "mcopy", "syslinux", "mke2fs", "qemu-img")

EPOCH = "1"
"""Seconds since 1970 for time stamps (SOURCE_DATE_EPOCH), so that builds do not differ by them."""

SERIAL = "0x74696e79"
"""Number of every disk and FAT volume that we build: "tiny", the first image's name."""


def _environment() -> dict[str, str]:
    return {"SOURCE_DATE_EPOCH": EPOCH, "E2FSPROGS_FAKE_TIME": EPOCH, "MTOOLS_SKIP_CHECK": "1"}


def _blank(path: Path, mib: int) -> None:
    with path.open("wb") as stream:
        stream.truncate(mib * MIB)


def boot_partition(path: Path, files: dict[str, Path], mib: int, label: str) -> None:
    """Make `path` a FAT12 partition with syslinux and `files` (name to source).

    Clusters of 32 KiB: syslinux follows a file cluster by cluster, and so large ones leave too few for FAT16.
    """
    _blank(path, mib)
    environ = _environment()
    number = SERIAL.removeprefix("0x")
    shell.run(
        *("mkfs.vfat", "-F", "12", "-s", "64", "-n", label, "-i", number, "-h", str(ALIGNMENT), "--invariant"),
        path,
        env=environ,
    )
    for name, source in files.items():
        shell.run("mcopy", "-m", "-i", path, source, f"::{name}", env=environ)
    shell.run("syslinux", "--install", path, env=environ)


def root_partition(path: Path, tree: Path, mib: int, label: str, inodes: int = 8192) -> None:
    """Make `path` an ext4 file system that holds `tree`, everything owned by root.

    Blocks of 4 KiB and a reserve of group descriptors let it grow on line to 1 TiB.
    """
    _blank(path, mib)
    options = "resize=268435456,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0,nodiscard"
    options += ",hash_seed=74696e79-0000-4000-8000-000000000001"
    uuid = "74696e79-0000-4000-8000-000000000002"
    # An ordinary user becomes root of a user namespace, where the user's files belong to root.
    prefix = () if os.geteuid() == 0 else ("unshare", "--map-root-user")
    shell.run(
        *(*prefix, "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-J", "size=4"),
        *("-N", str(inodes), "-L", label, "-U", uuid, "-E", options, "-d", tree, path),
        env=_environment(),
    )


def _entry(start: int, count: int, kind: int, active: bool) -> bytes:
    """One partition table entry, addressed by sector number (its cylinder fields say "too large")."""
    edge = b"\xfe\xff\xff"
    return struct.pack("<B3sB3sII", 0x80 if active else 0, edge, kind, edge, start, count)


def partition_table(code: bytes, boot_mib: int, root_mib: int) -> bytes:
    """Return the first sector: boot `code`, disk number, two partitions (0x06 FAT16, 0x83 Linux)."""
    boot = boot_mib * MIB // SECTOR
    root = root_mib * MIB // SECTOR
    head = code[:440].ljust(440, b"\0") + struct.pack("<IH", int(SERIAL, 16), 0)
    table = _entry(ALIGNMENT, boot, 0x06, True) + _entry(ALIGNMENT + boot, root, 0x83, False)
    return head + table + bytes(32) + b"\x55\xaa"


def _paste(disk: Path, part: Path, offset: int) -> None:
    """Copy `part` into `disk` at `offset` bytes; zeros become holes."""
    with disk.open("r+b") as target, part.open("rb") as source:
        target.seek(offset)
        while block := source.read(MIB):
            if block.strip(b"\0"):
                target.write(block)
            else:
                target.seek(len(block), os.SEEK_CUR)


def assemble(path: Path, boot: Path, root: Path) -> None:
    """Make `path` a raw disk from the two partitions, whole MiB each."""
    boot_mib, root_mib = boot.stat().st_size // MIB, root.stat().st_size // MIB
    _blank(path, 1 + boot_mib + root_mib)
    first = partition_table(MBR_CODE.read_bytes(), boot_mib, root_mib)
    with path.open("r+b") as stream:
        stream.write(first)
    _paste(path, boot, ALIGNMENT * SECTOR)
    _paste(path, root, ALIGNMENT * SECTOR + boot_mib * MIB)


def compress(raw: Path, path: Path) -> None:
    """Convert the `raw` disk to the compressed qcow2 `path`, all at once or not at all."""
    partial = path.with_name(f".{path.name}.part")
    try:
        shell.run("qemu-img", "convert", "-q", "-c", "-f", "raw", "-O", "qcow2", raw, partial)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_host() -> None:
    """Raise `BuildError` when the host cannot make disks."""
    shell.require(TOOLS)
    if not MBR_CODE.exists():
        raise shell.BuildError(f"{MBR_CODE} is missing; install the Debian package syslinux-common")
    if os.geteuid() and shutil.which("unshare") is None:
        raise shell.BuildError("run as root, or install util-linux for unshare")
