"""The recipe of the image tiny: Debian's kernel, busybox, an SSH server, and our scripts in one small disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..builder import disk, initramfs, modules
from ..builder.recipe import Recipe
from . import rootfs

SOURCE = Path(__file__).resolve().parent
BOOT_MIB, BOOT_LABEL = 24, "TINY-BOOT"
ROOT_MIB, ROOT_LABEL = 56, "tiny-root"

KERNELS = {"cloud": "linux-image-cloud-amd64", "generic": "linux-image-amd64"}
"""Kernel flavour to Debian's meta package. The cloud kernel boots faster and has no AHCI (SATA)."""

PACKAGES = (
    "busybox-static",
    "dropbear-bin",
    "e2fsprogs",
    "libc6",
    "libcom-err2",
    "libcrypt1",
    "libext2fs2",
    "libglib2.0-0",
    "libgmp10",
    "libnuma1",
    "libpcre2-8-0",
    "libtomcrypt1",
    "libtommath1",
    "libudev1",
    "liburing2",
    "qemu-guest-agent",
    "zlib1g",
)
"""Busybox, the SSH server, the guest agent and `resize2fs`, with the libraries that they are linked to."""

# fmt: off
BOOT_MODULES = (
    "virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ata_piix", "ahci", "nvme", "ext4", "crc32c_generic",
)
# fmt: on
"""What reaching the root file system can need; goes into the initramfs."""

# fmt: off
APPLETS = (
    "blockdev", "cat", "dd", "mkdir", "modprobe", "mount", "printf", "sh", "sleep", "sort", "switch_root", "tr",
    "umount", "xargs", "xxd",
)
# fmt: on
"""The busybox commands that `initramfs/init` calls."""


def make(kernel: Path, userland: Path, scratch: Path) -> Path:
    """Make the raw disk: a FAT partition to boot from, and the root file system."""
    early = initramfs.tree(
        SOURCE / "initramfs", kernel, userland, scratch / "early", applets=APPLETS, module_names=BOOT_MODULES
    )
    initramfs.write(early, scratch / "initramfs.img")
    tree = rootfs.tree(SOURCE / "rootfs", kernel, userland, scratch / "root")
    boot_files = {
        "vmlinuz": kernel / "boot" / f"vmlinuz-{modules.version(kernel)}",
        "initramfs.img": scratch / "initramfs.img",
        "syslinux.cfg": Path(shutil.copy(SOURCE / "syslinux.cfg", scratch)),
    }
    for path in boot_files.values():
        os.utime(path, (1, 1))
    disk.boot_partition(scratch / "boot.part", boot_files, BOOT_MIB, BOOT_LABEL)
    disk.root_partition(scratch / "root.part", tree, ROOT_MIB, ROOT_LABEL)
    disk.assemble(scratch / "disk.raw", scratch / "boot.part", scratch / "root.part")
    return scratch / "disk.raw"


RECIPE = Recipe(name="tiny", source=SOURCE, kernels=KERNELS, packages=PACKAGES, make=make)
