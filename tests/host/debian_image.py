"""A Debian image with cloud-init, as people run it: built once by mmdebstrap and kept in the cache. Takes minutes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from deploy import first_image
from deploy.guest_images.builder import disk, shell

PACKAGES = (
    "linux-image-cloud-amd64", "cloud-init", "systemd-sysv", "openssh-server", "ifupdown", "isc-dhcp-client",
    "cloud-guest-utils", "qemu-guest-agent", "iproute2", "udev", "netbase", "kmod", "e2fsprogs", "sudo", "dbus",
    "locales",
)  # fmt: skip
SYSLINUX = """DEFAULT debian
TIMEOUT 1
LABEL debian
 KERNEL vmlinuz
 APPEND root=LABEL=debian-root ro console=tty0 console=ttyS0,115200 net.ifnames=0
 INITRD initrd.img
"""
BOOT_MIB, ROOT_MIB = 96, 1400


def is_possible() -> bool:
    """Say whether this machine can build it."""
    return shutil.which("mmdebstrap") is not None


def ensure() -> Path:
    """Return the image, built when the cache does not have it."""
    image = first_image.cache_directory() / "debian-12-cloud-init.qcow2"
    if not image.exists():
        image.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="debian-image-", dir="/var/tmp") as directory:
            _build(Path(directory), image)
    return image


def _build(work: Path, image: Path) -> None:
    tree = work / "tree"
    shell.run("mmdebstrap", "-q", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", tree)
    (tree / "etc/fstab").write_text("LABEL=debian-root / ext4 defaults 0 1\n")
    (tree / "etc/machine-id").write_text("")
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (work / "syslinux.cfg").write_text(SYSLINUX)
    [kernel], [ramdisk] = (tree / "boot").glob("vmlinuz-*"), (tree / "boot").glob("initrd.img-*")
    files = {"vmlinuz": kernel, "initrd.img": ramdisk, "syslinux.cfg": work / "syslinux.cfg"}
    disk.boot_partition(work / "boot", files, BOOT_MIB, "DEBIAN-BOOT")
    disk.root_partition(work / "root", tree, ROOT_MIB, "debian-root", 65536)
    disk.assemble(work / "raw", work / "boot", work / "root")
    disk.compress(work / "raw", image)
