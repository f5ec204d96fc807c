"""Copies of disks of running guests, by block jobs of QEMU: the guest is never paused.

A job copies what the disk has, then every write as well. It is ended once both are the same: the file is the disk of
that moment.
"""

from __future__ import annotations

import time

import libvirt

from workers.drivers.hypervisor.errors import CopyFailed
from workers.drivers.hypervisor.libvirt import domains, guest_agent
from workers.drivers.hypervisor.libvirt.failures import is_absent, is_invalid_now
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.libvirt.xml import disk
from workers.drivers.hypervisor.live import CopyProgress, Quiesce

_POLL_S = 0.05
_FAILED = "The hypervisor could not copy the server's disk."
# The domain is a persistent one, and the job does not outlive its guest. The file is there: made by the host's storage.
_FLAGS = libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB | libvirt.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT


def copy(domain: libvirt.virDomain, source: str, path: str, quiesce: Quiesce, progress: CopyProgress | None) -> None:
    """Copy a disk into a file. Lets libvirtError through; a failure leaves no job and nothing frozen."""
    end(domain)  # of a copy whose process was killed
    target = _target(domain, source)
    destination = disk.Disk(driver=disk.DiskDriver(type="qcow2"), source=disk.Source(file=path))
    domain.blockCopy(target, destination.xml(), flags=_FLAGS)
    try:
        _wait(domain, target, progress)
        with guest_agent.frozen(domain, quiesce):
            _wait(domain, target, progress)
            domain.blockJobAbort(target, 0)
    except libvirt.libvirtError as error:
        end(domain)
        if is_absent(error) or is_invalid_now(error):  # the guest powered itself off: its disk is in its file
            raise CopyFailed(_FAILED, details=f"{target}: {error.get_error_message()}") from error
        raise
    except BaseException:
        end(domain)
        raise


def move(domain: libvirt.virDomain, target: str, destination: str, progress: CopyProgress | None) -> None:
    """Copy the guest's disk `target` to another one, given as XML, and let the guest go on with that.

    The guest writes to both meanwhile, and waits for both: the copy ends however much it writes. Lets libvirtError
    through; a failure leaves no job, and the guest on its old disk.
    """
    end(domain)  # of a copy whose process was killed
    domain.blockCopy(target, destination, flags=_FLAGS | libvirt.VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES)
    try:
        _wait(domain, target, progress)
        domain.blockJobAbort(target, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
    except libvirt.libvirtError as error:
        end(domain)
        if is_absent(error) or is_invalid_now(error):
            raise CopyFailed(_FAILED, details=f"{target}: {error.get_error_message()}") from error
        raise
    except BaseException:
        end(domain)
        raise


def _target(domain: libvirt.virDomain, source: str) -> str:
    """Return the name of the guest's disk that is the file `source`. Raises CopyFailed where it has none."""
    for device in parse(domain.XMLDesc()).iterfind("devices/disk"):
        file, target = device.find("source"), device.find("target")
        if file is not None and target is not None and file.get("file") == source:
            return str(target.get("dev"))
    raise CopyFailed("The server does not run from its root disk.", details=source)


def _wait(domain: libvirt.virDomain, target: str, progress: CopyProgress | None) -> None:
    """Return once the file is the same as the disk. Raises CopyFailed when the job is gone."""
    while True:
        info = domain.blockJobInfo(target, 0)
        if not info:
            raise CopyFailed(_FAILED, details=f"{target}: the job is gone")
        if progress is not None:
            progress(int(info["cur"]), int(info["end"]))
        if info["cur"] == info["end"] and _mirror(domain, target) == "yes":
            return
        time.sleep(_POLL_S)


def _mirror(domain: libvirt.virDomain, target: str) -> str | None:
    """Return "yes" where both sides of a disk's copy are the same, another word before, None where there is no copy."""
    mirror = parse(domain.XMLDesc()).find(f"devices/disk/target[@dev='{target}']/../mirror")
    return None if mirror is None else str(mirror.get("ready", ""))


def copied(domain: libvirt.virDomain) -> str:
    """Return the server's ID, if a disk of its guest is being copied, else ""."""
    is_on = domains.is_active(domain)
    return str(domain.UUIDString()) if is_on and parse(domain.XMLDesc()).find("devices/disk/mirror") is not None else ""


def end(domain: libvirt.virDomain) -> None:
    """End the copies that are under way, and thaw the guest. Nothing to end is success, and so is an absent domain."""
    try:
        for device in parse(domain.XMLDesc()).iterfind("devices/disk/mirror/../target"):
            domain.blockJobAbort(str(device.get("dev")), 0)
    except libvirt.libvirtError as error:
        if not (is_absent(error) or is_invalid_now(error)):
            raise
    guest_agent.thaw(domain)
