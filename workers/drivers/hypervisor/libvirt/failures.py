"""libvirt's error codes, as the driver's own errors."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import libvirt

from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.errors import (
    AttachFailed,
    CopyFailed,
    HypervisorBusy,
    HypervisorUnavailable,
    ImageBroken,
    ImpossibleServer,
    MigrationFailed,
    NoFreeSlot,
    NotEnoughResources,
    ServerNotFound,
    ServerNotRunning,
    SpawnFailed,
    SuspendFailed,
)

_BY_CODE: dict[int, type[DriverError]] = {
    libvirt.VIR_ERR_NO_DOMAIN: ServerNotFound,
    libvirt.VIR_ERR_OPERATION_INVALID: ServerNotRunning,
    libvirt.VIR_ERR_OPERATION_TIMEOUT: HypervisorBusy,
    libvirt.VIR_ERR_RESOURCE_BUSY: HypervisorBusy,
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE: HypervisorBusy,
    libvirt.VIR_ERR_NO_MEMORY: NotEnoughResources,
    libvirt.VIR_ERR_XML_ERROR: ImpossibleServer,
    libvirt.VIR_ERR_XML_DETAIL: ImpossibleServer,
    libvirt.VIR_ERR_XML_INVALID_SCHEMA: ImpossibleServer,
    libvirt.VIR_ERR_INVALID_ARG: ImpossibleServer,
    libvirt.VIR_ERR_NO_CONNECT: HypervisorUnavailable,
    libvirt.VIR_ERR_INVALID_CONN: HypervisorUnavailable,
    libvirt.VIR_ERR_AUTH_FAILED: HypervisorUnavailable,
}

_TEXTS: dict[type[DriverError], str] = {
    AttachFailed: "The hypervisor could not plug or unplug the device.",
    CopyFailed: "The hypervisor could not copy the server's disk.",
    MigrationFailed: "The hypervisor could not move the server.",
    NoFreeSlot: "The running server has no free slot for another device. A hard reboot makes room for more.",
    ServerNotFound: "The server does not exist on its host.",
    ServerNotRunning: "The server is not in a state that allows this.",
    HypervisorBusy: "The hypervisor did not answer in time.",
    NotEnoughResources: "The host has not enough memory for the server.",
    ImageBroken: "The image's content is damaged or of a kind that the hypervisor does not support.",
    ImpossibleServer: "The hypervisor refused the server's definition.",
    HypervisorUnavailable: "The hypervisor cannot be reached.",
    SpawnFailed: "The hypervisor could not start the server.",
    SuspendFailed: "The hypervisor could not save the guest's memory.",
}

# A dead connection shows as one of these, from one of these parts of libvirt (the list is Nova's).
_BROKEN_CODES = (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_RPC)
_BROKEN_DOMAINS = (libvirt.VIR_FROM_REMOTE, libvirt.VIR_FROM_RPC)


def is_broken_connection(error: libvirt.libvirtError) -> bool:
    """Say whether the error means that the daemon went away, rather than that it refused."""
    if error.get_error_code() in (libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_CONN):
        return True
    return error.get_error_code() in _BROKEN_CODES and error.get_error_domain() in _BROKEN_DOMAINS


def is_absent(error: libvirt.libvirtError) -> bool:
    """Say whether the error means that there is no such domain."""
    return bool(error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN)


def is_vanishing(error: libvirt.libvirtError) -> bool:
    """Say whether the domain is gone, or its process is and libvirt has yet to notice (its times cannot be read)."""
    return is_absent(error) or error.get_error_code() == libvirt.VIR_ERR_OPERATION_FAILED


def is_invalid_now(error: libvirt.libvirtError) -> bool:
    """Say whether the error means that the domain is in the wrong state (off already, on already)."""
    return bool(error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID)


# Reasons of the host's own: its disk, its limits, its permissions.
_HOST_REASONS = tuple(
    os.strerror(number)
    for number in (
        errno.EACCES, errno.EAGAIN, errno.EBUSY, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOENT, errno.ENOMEM,
        errno.ENOSPC, errno.EPERM, errno.EROFS, errno.ESTALE, errno.ETIMEDOUT,
    )
)  # fmt: skip


def is_broken_image(message: str) -> bool:
    """Return whether QEMU ended because of the content of an image.

    libvirt gives QEMU two nodes for each file of a disk: one reads the file (`-storage`), one its format (`-format`).
    A disk's own file is ours and writable; the image below it is the tenant's and read-only. An error there that is not
    the host's would occur on every host.
    """
    _, option, text = message.partition("-blockdev ")
    if not option:
        return False
    try:
        node, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError:
        return False
    of_image = node.get("driver") == "qcow2" and node.get("read-only") and node.get("node-name", "").endswith("-format")
    return bool(of_image) and not any(reason in text[end:] for reason in _HOST_REASONS)


def translate(error: libvirt.libvirtError, otherwise: type[DriverError] = HypervisorUnavailable) -> DriverError:
    """The driver's error for libvirt's; `otherwise` is for codes that say nothing by themselves."""
    kind = _BY_CODE.get(error.get_error_code(), otherwise)
    if is_broken_connection(error):
        kind = HypervisorUnavailable
    elif kind is SpawnFailed and is_broken_image(error.get_error_message()):
        kind = ImageBroken
    elif "No more available PCI slots" in error.get_error_message():
        kind = NoFreeSlot
    details = f"libvirt {error.get_error_domain()}/{error.get_error_code()}: {error.get_error_message()}"
    return kind(_TEXTS[kind], details=details)


@contextmanager
def translated(otherwise: type[DriverError] = HypervisorUnavailable) -> Iterator[None]:
    """Let no libvirtError out of the block."""
    try:
        yield
    except libvirt.libvirtError as error:
        raise translate(error, otherwise) from error
