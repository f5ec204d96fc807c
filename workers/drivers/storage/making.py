"""Makes disks by programs, under limits: overlays, blank ones, file systems. Opens new images by QEMU once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from workers.drivers.storage.base import Disk
from workers.drivers.storage.errors import ImageUnsafe, StorageUnavailable
from workers.system import processes

# A crafted image once made qemu-img eat a host (OSSA-2016-012): so it gets little of one.
LIMITS: dict[str, Any] = {"timeout_s": 60, "memory_limit_mib": 1024, "cpu_limit_s": 30}


def ephemeral(name: str, path: Path) -> None:
    """Make an empty file system in a sparse file, of a server's extra disk."""
    lazy = "nodiscard,lazy_itable_init=1,lazy_journal_init=1"
    _tool(["mkfs.ext4", "-q", "-F", "-L", name, "-E", lazy, str(path)])


def swap(name: str, path: Path) -> None:
    """Put a swap signature on a sparse file."""
    _tool(["mkswap", "-q", "-L", f"{name}0", str(path)])


def _tool(argv: list[str]) -> None:
    try:
        processes.run(argv, **LIMITS)
    except processes.ProcessError as error:
        raise StorageUnavailable("The host could not make the disk.", details=error.details) from error


def open_once(path: Path, disk_format: str) -> None:
    """Let QEMU's own code read the header of an image that is new here, before a guest's start depends on it.

    An image that QEMU refuses is refused on every host: the image is at fault, and no host. Raises ImageUnsafe.
    """
    if disk_format != "qcow2":
        return
    try:
        done = processes.run(["qemu-img", "info", "-f", "qcow2", "--output=json", str(path)], **LIMITS)
    except processes.ProgramMissing as error:
        raise StorageUnavailable("The host cannot check the image.", details=error.details) from error
    except processes.ProcessError as error:
        raise ImageUnsafe("The image cannot be opened by QEMU.", details=error.details or error.message) from error
    if json.loads(done.stdout).get("encrypted"):  # qemu-img describes it without the key that a guest's QEMU asks for
        raise ImageUnsafe("The image is encrypted, and no key opens it.", details=str(path))


def overlay(disk: Disk, path: Path) -> None:
    """Make a qcow2 overlay of a disk's size on its backing file."""
    # -u: the size is given and the backing file is verified already; it is not opened again.
    assert disk.backing_path is not None
    base: Literal["qcow2", "raw"] = disk.backing_format or "raw"
    argv = ["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", base, "-b", disk.backing_path]
    _tool([*argv, str(path), str(disk.size_bytes)])


def blank(disk: Disk, path: Path) -> None:
    """Make an empty qcow2 file of a disk's size."""
    _tool(["qemu-img", "create", "-q", "-f", "qcow2", str(path), str(disk.size_bytes)])
