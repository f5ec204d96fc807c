"""A guest's memory on disk: libvirt's managed save, which each later power-on of the domain restores."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import libvirt

from workers.drivers.errors import Stopped
from workers.drivers.hypervisor.errors import ServerNotRunning, SuspendFailed
from workers.drivers.hypervisor.libvirt import domains

_POLL_S = 0.2
_DIRECTORY = "/var/lib/libvirt/qemu/save"
_RESERVED_BYTES = 1 << 30


def suspend(domain: libvirt.virDomain, stop: threading.Event) -> None:
    """Save a guest that is on. A save that fails or is aborted leaves it running."""
    discard_stale(domain)
    if not domains.is_active(domain):
        if domains.is_saved(domain):
            return
        raise ServerNotRunning("The guest is off: there is no memory to save.", details=domain.UUIDString())
    _check_space(domain)
    with _aborting(domain, stop):
        domain.managedSave(libvirt.VIR_DOMAIN_SAVE_RUNNING)


def _check_space(domain: libvirt.virDomain) -> None:
    """Raise SuspendFailed if the file system has no room for all of the guest's memory and the reserve.

    A full file system pauses every guest there that writes. Where libvirt keeps its files elsewhere, nothing is known.
    """
    _state, _most_kib, memory_kib, *_ = domain.info()
    try:
        free = shutil.disk_usage(_DIRECTORY).free
    except OSError:
        return
    if free < memory_kib * 1024 + _RESERVED_BYTES:
        details = f"{memory_kib} KiB wanted, {free // 1024} free in {_DIRECTORY}"
        raise SuspendFailed("The host has no space for the server's memory.", details=details)


def resume(domain: libvirt.virDomain) -> None:
    """Restore a saved guest, or wake one that sleeps by its own wish."""
    state, _reason = domain.state()
    if state == libvirt.VIR_DOMAIN_PMSUSPENDED:
        domain.pMWakeup(0)
    elif not domains.is_active(domain):
        if not domains.is_saved(domain):
            raise ServerNotRunning("The guest's saved memory is gone. Start the server.", details=domain.UUIDString())
        domain.create()
        domains.close_console(domains.read(domain, with_devices=True))
    discard_stale(domain)


def discard(domain: libvirt.virDomain) -> None:
    """Forget a guest's saved memory, so that its next power-on is a boot."""
    if domains.is_saved(domain):
        domain.managedSaveRemove(0)


def discard_stale(domain: libvirt.virDomain) -> None:
    """Forget saved memory of a guest that is on: restored once it is off, it would not fit its newer disks.

    libvirt removes it when the guest is on again; killed in between, or while it saves, it leaves the file.
    """
    if domains.is_active(domain):
        discard(domain)


@contextmanager
def _aborting(domain: libvirt.virDomain, stop: threading.Event) -> Iterator[None]:
    """Abort the domain's job once `stop` is set. Raises Stopped then."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_S):
            if stop.is_set():
                with suppress(libvirt.libvirtError):
                    domain.abortJob()

    watcher = threading.Thread(target=watch, name="libvirt-abort", daemon=True)
    watcher.start()
    try:
        yield
    except libvirt.libvirtError as error:
        if stop.is_set():
            raise Stopped("Saving the guest's memory was stopped.", details=error.get_error_message()) from error
        raise
    finally:
        done.set()
        watcher.join()
