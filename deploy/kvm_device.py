"""/dev/kvm as udev leaves it: root:kvm 0660. Without udev only root can use it. libvirt then sees KVM as root but not
as QEMU's account, and probes QEMU at every call: a start takes minutes instead of half a second.
"""

import grp
import os
import stat
from pathlib import Path

DEVICE = Path("/dev/kvm")
MODE = 0o660


def is_accessible() -> bool:
    """Say whether the group kvm may open the device, or there is none."""
    try:
        status = DEVICE.stat()
        group = grp.getgrnam("kvm").gr_gid
    except (FileNotFoundError, KeyError):
        return True
    mode = stat.S_IMODE(status.st_mode)
    return mode & 0o006 == 0o006 or (status.st_gid == group and mode & MODE == MODE)


def fix_mode() -> None:
    """Give the device to the group kvm, as Debian's udev rule does (50-udev-default.rules)."""
    if os.geteuid() == 0 and not is_accessible():
        os.chown(DEVICE, 0, grp.getgrnam("kvm").gr_gid)
        DEVICE.chmod(MODE)
