"""Plugging devices into domains, and unplugging them: of the running guest, and of the definition for later power-ons.

A device is found by `find`: it returns the device's element in a domain's description, or None.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import libvirt
from lxml import etree

from workers.drivers.hypervisor.errors import GuestHoldsDevice
from workers.drivers.hypervisor.libvirt import domains
from workers.drivers.hypervisor.libvirt.failures import is_absent, is_invalid_now
from workers.drivers.hypervisor.libvirt.host import parse
from workers.system.undo import Undo

_POLL_S = 0.05
_ASK_AGAIN_S = 5.0
_DEFINITION, _GUEST = libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_AFFECT_LIVE

Find = Callable[[Any], Any | None]


def attach(domain: libvirt.virDomain, text: str, find: Find) -> None:
    """Plug a device where it is missing. A failure leaves it plugged nowhere."""
    with Undo() as undo:
        if _find(domain, find, _DEFINITION) is None:
            undo.push(_forget, domain, find)
            domain.attachDeviceFlags(text, _DEFINITION)
        if domains.is_active(domain) and _find(domain, find, _GUEST) is None:
            domain.attachDeviceFlags(text, _GUEST)
        undo.commit()


def detach(domain: libvirt.virDomain, find: Find, timeout_s: float, what: str) -> None:
    """Unplug a device. Raises GuestHoldsDevice while a guest does not release it; then nothing changed."""
    now = time.monotonic()
    deadline, ask = now + timeout_s, now
    while domains.is_active(domain) and (device := _find(domain, find, _GUEST)) is not None:
        now = time.monotonic()
        if now >= deadline:
            raise GuestHoldsDevice(
                f"The guest did not release the {what} in time, so the server keeps it. Stop the server first, or "
                "try again when its operating system is up.",
                details=f"waited {timeout_s:g} s",
            )
        if now >= ask:
            ask = now + _ASK_AGAIN_S
            _ask(domain, device)
        time.sleep(_POLL_S)
    _forget(domain, find)


def in_guest(domain: libvirt.virDomain, find: Find) -> Any | None:
    """Return the element of a device of the running guest; None without the device."""
    return _find(domain, find, _GUEST)


def defined(domain: libvirt.virDomain, find: Find) -> Any | None:
    """Return the element of a device as it is defined for the next power-on; None without the device."""
    return _find(domain, find, _DEFINITION)


def _ask(domain: libvirt.virDomain, device: Any) -> None:
    """Ask the guest to release a device. One that it released meanwhile, or is releasing, is no error."""
    try:
        domain.detachDeviceFlags(etree.tostring(device, encoding="unicode"), _GUEST)
    except libvirt.libvirtError as error:
        pending = error.get_error_code() in (libvirt.VIR_ERR_DEVICE_MISSING, libvirt.VIR_ERR_OPERATION_FAILED)
        if not (pending or is_absent(error) or is_invalid_now(error)):
            raise


def _forget(domain: libvirt.virDomain, find: Find) -> None:
    """Take a device out of the definition. Absent is success."""
    device = _find(domain, find, _DEFINITION)
    if device is not None:
        domain.detachDeviceFlags(etree.tostring(device, encoding="unicode"), _DEFINITION)


def _find(domain: libvirt.virDomain, find: Find, where: int) -> Any | None:
    """Return the device's element in the definition or in the running guest."""
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE if where == _DEFINITION else 0
    return find(parse(domain.XMLDesc(flags)))
