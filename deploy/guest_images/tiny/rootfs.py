"""The root file system's tree: busybox, the SSH server, `resize2fs`, modules and our scripts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..builder import modules, shell

# fmt: off
FOLDERS = (
    "bin", "boot", "dev", "etc/dropbear", "home", "lib64", "media", "mnt", "proc", "root", "run", "sbin", "sys",
    "tmp", "usr/bin", "usr/sbin", "usr/lib",
    "var/lib/tiny", "var/log",
)
# fmt: on

LINKS = {"bin/sh": "busybox", "var/run": "../run", "etc/mtab": "../proc/self/mounts", "init": "sbin/init"}

PROGRAMS = ("sbin/resize2fs", "usr/sbin/qemu-ga", "usr/sbin/dropbear", "usr/bin/dropbearkey", "usr/bin/dbclient")

# fmt: off
LIBRARIES = (
    "libc.so.6", "libcom_err.so.2", "libcrypt.so.1", "libe2p.so.2", "libext2fs.so.2", "libglib-2.0.so.0",
    "libgmodule-2.0.so.0", "libgmp.so.10", "libm.so.6", "libnuma.so.1", "libpcre2-8.so.0", "libresolv.so.2",
    "libtomcrypt.so.1", "libtommath.so.1", "libudev.so.1", "liburing.so.2", "libz.so.1", "ld-linux-x86-64.so.2",
)
# fmt: on

LIBRARY_FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")

# fmt: off
MODULES = (
    # buses, disks and discs: a config drive is a virtio disk, or a disc behind virtio-scsi, IDE or SATA
    "virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "sr_mod", "ata_piix", "ahci", "nvme",
    # network cards that QEMU can show
    "virtio_net", "e1000", "e1000e", "8139cp",
    # file systems of config drives, ephemeral disks and volumes
    "ext4", "isofs", "vfat", "nls_cp437", "nls_iso8859_1", "nls_ascii", "nls_utf8", "xfs", "btrfs",
    # the power button, the random number generator, the agent's channel, memory balloon, watchdog, panic notice
    "button", "evdev", "virtio_rng", "virtio_console", "virtio_balloon", "pvpanic_pci", "i6300esb",
    # what people try networks with
    "8021q", "bonding", "bridge", "dummy", "tun", "veth", "vxlan", "wireguard",
)
# fmt: on
"""What the running system can need; goes into the root file system."""

MODES = {"root": 0o700, "tmp": 0o1777, "etc/shadow": 0o600, "var/lib/tiny": 0o700}


def _library(userland: Path, name: str) -> Path:
    for folder in LIBRARY_FOLDERS:
        if (userland / folder / name).exists():
            return userland / folder / name
    raise shell.BuildError(f"no package holds {name}")


def _copy_programs(userland: Path, target: Path) -> None:
    for name in PROGRAMS:
        shutil.copy(userland / name, target / name)
    for name in LIBRARIES:
        shutil.copy(_library(userland, name), target / "lib" / name)
    (target / "lib64/ld-linux-x86-64.so.2").symlink_to("../lib/ld-linux-x86-64.so.2")


def _install_busybox(userland: Path, target: Path) -> None:
    """Copy busybox and give each of its commands a link, as `busybox --install` would."""
    shutil.copy(userland / "bin/busybox", target / "bin/busybox")
    for path in shell.run(userland / "bin/busybox", "--list-full").split():
        link = target / path
        if not (link.exists() or link.is_symlink()):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to("/bin/busybox")


def _copy_licences(userland: Path, kernel: Path, target: Path) -> None:
    """Keep the packages' copyright files: the licences ask for it."""
    for root in (userland, kernel):
        for path in sorted(root.glob("usr/share/doc/*/copyright")):
            folder = target / "usr/share/licences"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.parent.name)


def _set_modes(target: Path) -> None:
    """Give everything its mode, whatever the umask, and one date, so that builds do not differ by it."""
    for path in sorted(target.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
    for name, mode in MODES.items():
        (target / name).chmod(mode)
    for path in target.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)


def tree(source: Path, kernel: Path, userland: Path, target: Path) -> Path:
    """Lay the root file system's files out in a fresh `target` and return it."""
    shutil.rmtree(target, ignore_errors=True)
    for name in FOLDERS:
        (target / name).mkdir(parents=True)
    shutil.copytree(source, target, dirs_exist_ok=True)
    for name, goal in LINKS.items():
        (target / name).symlink_to(goal)
    _copy_programs(userland, target)
    _install_busybox(userland, target)
    modules.install(kernel, target, list(MODULES))
    _copy_licences(userland, kernel, target)
    _set_modes(target)
    return target
