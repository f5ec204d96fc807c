"""Single operations on a libvirt domain: find it, know it as ours, read it, wait for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import libvirt
from lxml import etree

from workers.drivers.hypervisor.base import DomainInfo, PowerState
from workers.drivers.hypervisor.libvirt.failures import is_absent, is_invalid_now, is_vanishing
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.libvirt.xml.metadata import NAMESPACE

_T = TypeVar("_T")
_POLL_S = 0.05
_ASK_AGAIN_S = 5.0
_NO_REASON = "closed the monitor"

POWER_STATES: dict[int, PowerState] = {
    libvirt.VIR_DOMAIN_NOSTATE: PowerState.NOSTATE,
    libvirt.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: PowerState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: PowerState.RUNNING,  # on its way down: still there
    libvirt.VIR_DOMAIN_SHUTOFF: PowerState.SHUTDOWN,
    libvirt.VIR_DOMAIN_CRASHED: PowerState.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: PowerState.SUSPENDED,
}


def find(connection: libvirt.virConnect, server_id: str, home: str) -> libvirt.virDomain | None:
    """Our domain of this id, or None. A domain of somebody else's with this id is None as well."""
    domain = find_any(connection, server_id)
    return domain if domain is not None and is_ours(domain, home) else None


# Why a domain is paused, in words for an operator. Pauses by the driver have the reason "user".
PAUSE_REASONS: dict[int, str] = {
    libvirt.VIR_DOMAIN_PAUSED_USER: "user",
    libvirt.VIR_DOMAIN_PAUSED_MIGRATION: "migration",
    libvirt.VIR_DOMAIN_PAUSED_SAVE: "save",
    libvirt.VIR_DOMAIN_PAUSED_DUMP: "dump",
    libvirt.VIR_DOMAIN_PAUSED_IOERROR: "io_error",
    libvirt.VIR_DOMAIN_PAUSED_WATCHDOG: "watchdog",
    libvirt.VIR_DOMAIN_PAUSED_FROM_SNAPSHOT: "from_snapshot",
    libvirt.VIR_DOMAIN_PAUSED_SHUTTING_DOWN: "shutting_down",
    libvirt.VIR_DOMAIN_PAUSED_SNAPSHOT: "snapshot",
    libvirt.VIR_DOMAIN_PAUSED_CRASHED: "guest_panicked",
    libvirt.VIR_DOMAIN_PAUSED_STARTING_UP: "starting_up",
    libvirt.VIR_DOMAIN_PAUSED_POSTCOPY: "postcopy",
    libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED: "postcopy_failed",
}


def survey(connection: libvirt.virConnect, home: str, read: Callable[[libvirt.virDomain], _T]) -> list[_T]:
    """Return the result of `read` for each of our domains. The only walk over domains: one that vanishes on the way is
    passed over.

    On a busy cloud guests are often deleted between the listing and the read; that is no error.
    """
    results = []
    for domain in connection.listAllDomains():
        try:
            if is_ours(domain, home):
                results.append(read(domain))
        except libvirt.libvirtError as error:
            if not is_vanishing(error):
                raise
    return results


def find_any(connection: libvirt.virConnect, server_id: str) -> libvirt.virDomain | None:
    """Return the domain of this id, Celerity's or not, or None."""
    try:
        return connection.lookupByUUIDString(server_id)
    except libvirt.libvirtError as error:
        if is_absent(error):
            return None
        raise


def is_ours(domain: libvirt.virDomain, home: str) -> bool:
    """Say whether the domain carries Celerity's mark and `home`. A domain that vanishes meanwhile does not."""
    try:
        mark = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE, libvirt.VIR_DOMAIN_AFFECT_CURRENT)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA or is_absent(error):
            return False
        raise
    try:
        return bool(parse(mark).get("home") == home)
    except etree.XMLSyntaxError:
        return False


def power_state(domain: libvirt.virDomain) -> PowerState:
    """Return the domain's current state."""
    state, _reason = domain.state()
    return POWER_STATES.get(state, PowerState.NOSTATE)


def read(domain: libvirt.virDomain, *, with_devices: bool) -> DomainInfo:
    """The result of `info`; `with_devices` costs one more call, for console and cards of a running domain."""
    state, reason = domain.state()
    word = POWER_STATES.get(state, PowerState.NOSTATE)
    if word == PowerState.SHUTDOWN and is_saved(domain):
        word = PowerState.SUSPENDED
    is_on = with_devices and word in (PowerState.RUNNING, PowerState.PAUSED)
    socket, offloads = _devices(domain) if is_on else (None, False)
    why = PAUSE_REASONS.get(reason, "unknown") if word == PowerState.PAUSED else ""
    if (state, reason) == (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED):
        why = "crashed"
    return DomainInfo(domain.UUIDString(), domain.name(), word, vnc_socket=socket, reason=why, offloads=offloads)


def is_saved(domain: libvirt.virDomain) -> bool:
    """Say whether the guest's memory is saved: its next power-on continues it."""
    return bool(domain.hasManagedSaveImage(0))


def addresses(domain: libvirt.virDomain) -> dict[str, str]:
    """Return the PCI addresses of a domain's disks, by target, and of its cards, by MAC."""
    devices = parse(domain.XMLDesc()).find("devices")
    by_device = {}
    for path, name in (("disk", "target/@dev"), ("interface", "mac/@address")):
        for device in devices.iterfind(path) if devices is not None else ():
            place = device.find("address[@type='pci']")
            if place is not None:
                part = {key: int(str(value), 16) for key, value in place.items() if str(value).startswith("0x")}
                text = f"{part['domain']:04x}:{part['bus']:02x}:{part['slot']:02x}.{part['function']:x}"
                by_device[str(device.xpath(name)[0])] = text
    return by_device


def _devices(domain: libvirt.virDomain) -> tuple[str | None, bool]:
    """Return the VNC socket, and whether a card leaves checksums to the host."""
    try:
        root = parse(domain.XMLDesc())
    except etree.XMLSyntaxError:
        return None, False
    listen = root.find("devices/graphics[@type='vnc']/listen[@type='socket']")
    cards = root.iterfind("devices/interface/model[@type='virtio']/..")
    offloads = any(card.find("driver/host[@csum='off']") is None for card in cards)
    return listen.get("socket") if listen is not None else None, offloads


def close_console(info: DomainInfo) -> None:
    """Allow only the hypervisor's account and root to open the VNC socket, even if an operator opened libvirt's
    directory around it. An agent that is not root cannot change it, and the guest runs all the same.
    """
    if info.vnc_socket is not None:
        with suppress(OSError):
            os.chmod(info.vnc_socket, 0o600)


def power_on(domain: libvirt.virDomain) -> None:
    """Start the guest. Lets libvirtError through.

    On a busy host QEMU may be gone before libvirt has read why it ended: then it is asked a second time, as the reason
    says whether the image or the host is at fault.
    """
    try:
        domain.create()
    except libvirt.libvirtError as error:
        if not str(error.get_error_message()).rstrip(": ").endswith(_NO_REASON):
            raise
        domain.create()


def power_off(domain: libvirt.virDomain) -> None:
    """Pull the plug. Off or absent is success."""
    try:
        domain.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_DEFAULT)
    except libvirt.libvirtError as error:
        if not (is_absent(error) or is_invalid_now(error)):
            raise


def forget(domain: libvirt.virDomain) -> None:
    """Remove the definition with all that libvirt keeps for it. Absent is success."""
    flags = (
        libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    )
    try:
        domain.undefineFlags(flags)
    except libvirt.libvirtError as error:
        if not is_absent(error):
            raise


def is_active(domain: libvirt.virDomain) -> bool:
    """Say whether it is on (paused counts). Absent is off."""
    try:
        return bool(domain.isActive())
    except libvirt.libvirtError as error:
        if is_absent(error):
            return False
        raise


def ask_power_off(domain: libvirt.virDomain, timeout_s: float) -> bool:
    """Press the guest's power button, and again while it does not react (one that boots does not hear it).

    Returns True once the domain is off, False when `timeout_s` seconds have passed.
    """
    now = time.monotonic()
    deadline, press = now + timeout_s, now
    while is_active(domain):
        now = time.monotonic()
        if now >= deadline:
            return False
        if now >= press:
            press = now + _ASK_AGAIN_S
            _press(domain)
        time.sleep(_POLL_S)
    return True


def _press(domain: libvirt.virDomain) -> None:
    try:
        domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
    except libvirt.libvirtError as error:
        if not (is_absent(error) or is_invalid_now(error)):
            raise
