"""Plugging cards into domains, and unplugging them: of the running guest, and of the definition for later power-ons."""

from __future__ import annotations

import time
from typing import Any

import libvirt
from lxml import etree

from workers.drivers.hypervisor.errors import GuestHoldsDevice
from workers.drivers.hypervisor.libvirt import domains
from workers.drivers.hypervisor.libvirt.failures import is_absent, is_invalid_now
from workers.drivers.hypervisor.libvirt.host import parse
from workers.drivers.hypervisor.libvirt.xml.interface import Interface
from workers.system.undo import Undo

_POLL_S = 0.05
_ASK_AGAIN_S = 5.0
_DEFINITION, _GUEST = libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_AFFECT_LIVE


def attach(domain: libvirt.virDomain, card: Interface) -> None:
    """Plug a card where it is missing. A failure leaves it plugged nowhere."""
    assert card.target is not None
    tap, text = card.target.dev, card.xml()
    with Undo() as undo:
        if _find(domain, tap, _DEFINITION) is None:
            undo.push(_forget, domain, tap)
            domain.attachDeviceFlags(text, _DEFINITION)
        if domains.is_active(domain) and _find(domain, tap, _GUEST) is None:
            domain.attachDeviceFlags(text, _GUEST)
        undo.commit()


def detach(domain: libvirt.virDomain, tap: str, timeout_s: float) -> None:
    """Unplug the card of a tap. Raises GuestHoldsDevice while a guest does not release it; then nothing changed."""
    now = time.monotonic()
    deadline, ask = now + timeout_s, now
    while domains.is_active(domain) and (card := _find(domain, tap, _GUEST)) is not None:
        now = time.monotonic()
        if now >= deadline:
            raise GuestHoldsDevice(
                "The guest did not release the network card in time, so the server keeps it. Stop the server first, or "
                "try again when its operating system is up.",
                details=f"{tap}: waited {timeout_s:g} s",
            )
        if now >= ask:
            ask = now + _ASK_AGAIN_S
            _ask(domain, card)
        time.sleep(_POLL_S)
    _forget(domain, tap)


def _ask(domain: libvirt.virDomain, card: Any) -> None:
    """Ask the guest to release a card. One that it released meanwhile, or is releasing, is no error."""
    try:
        domain.detachDeviceFlags(etree.tostring(card, encoding="unicode"), _GUEST)
    except libvirt.libvirtError as error:
        pending = error.get_error_code() in (libvirt.VIR_ERR_DEVICE_MISSING, libvirt.VIR_ERR_OPERATION_FAILED)
        if not (pending or is_absent(error) or is_invalid_now(error)):
            raise


def _forget(domain: libvirt.virDomain, tap: str) -> None:
    """Take a card out of the definition. Absent is success."""
    card = _find(domain, tap, _DEFINITION)
    if card is not None:
        domain.detachDeviceFlags(etree.tostring(card, encoding="unicode"), _DEFINITION)


def _find(domain: libvirt.virDomain, tap: str, where: int) -> Any | None:
    """Return the element of a tap's card in the definition or in the running guest."""
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE if where == _DEFINITION else 0
    for card in parse(domain.XMLDesc(flags)).iterfind("devices/interface"):
        target = card.find("target")
        if target is not None and target.get("dev") == tap:
            return card
    return None
