"""The initramfs: busybox, the modules that reach the root disk and one script, as a compressed cpio.

The archive is written here ("newc", Documentation/driver-api/early-userspace/buffer-format.rst of
the kernel) so that device nodes need no privilege and the same inputs give the same bytes.
"""

from __future__ import annotations

import gzip
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import modules

FOLDERS = ("bin", "dev", "proc", "sys", "root")


def tree(
    source: Path, kernel: Path, userland: Path, target: Path, *, applets: Sequence[str], module_names: Sequence[str]
) -> Path:
    """Lay the initramfs's files out in a fresh `target` and return it.

    `source` holds the script `init`; `applets` are the commands of busybox that it calls;
    `module_names` reach the root.
    """
    shutil.rmtree(target, ignore_errors=True)
    for name in FOLDERS:
        (target / name).mkdir(parents=True)
    shutil.copy(userland / "bin/busybox", target / "bin/busybox")
    for name in applets:
        (target / "bin" / name).symlink_to("busybox")
    shutil.copyfile(source / "init", target / "init")
    (target / "init").chmod(0o755)
    modules.install(kernel, target, list(module_names))
    return target


def _member(number: int, name: str, mode: int, data: bytes, device: tuple[int, int]) -> bytes:
    """One entry, owned by root and dated 1970: header, name and data, each padded to four bytes."""
    path = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def _entries(folder: Path) -> Iterator[tuple[str, int, bytes, tuple[int, int]]]:
    yield "dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            yield name, stat.S_IFLNK | 0o777, str(path.readlink()).encode(), (0, 0)
        elif path.is_dir():
            yield name, stat.S_IFDIR | 0o755, b"", (0, 0)
        else:
            bits = 0o755 if path.stat().st_mode & 0o100 else 0o644
            yield name, stat.S_IFREG | bits, path.read_bytes(), (0, 0)


def cpio(folder: Path) -> bytes:
    """Return the tree under `folder`, and a console device, as a "newc" archive."""
    entries = sorted(_entries(folder), key=lambda entry: entry[0])
    parts = [_member(number, *entry) for number, entry in enumerate(entries, start=1)]
    return b"".join((*parts, _member(0, "TRAILER!!!", 0, b"", (0, 0))))


def write(folder: Path, path: Path) -> None:
    """Write the tree under `folder` as the compressed initramfs `path`."""
    path.write_bytes(gzip.compress(cpio(folder), compresslevel=9, mtime=0))
