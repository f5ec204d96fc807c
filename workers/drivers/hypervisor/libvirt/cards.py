"""Network cards of domains: plugged and unplugged by the name of their tap."""

from __future__ import annotations

from typing import Any

import libvirt

from workers.drivers.hypervisor.libvirt import plugging
from workers.drivers.hypervisor.libvirt.xml.interface import Interface


def attach(domain: libvirt.virDomain, card: Interface) -> None:
    """Plug a card where it is missing. A failure leaves it plugged nowhere."""
    assert card.target is not None
    plugging.attach(domain, card.xml(), _by_tap(card.target.dev))


def detach(domain: libvirt.virDomain, tap: str, timeout_s: float) -> None:
    """Unplug the card of a tap. Raises GuestHoldsDevice while a guest does not release it; then nothing changed."""
    plugging.detach(domain, _by_tap(tap), timeout_s, "network card")


def _by_tap(tap: str) -> plugging.Find:
    def find(description: Any) -> Any | None:
        for card in description.iterfind("devices/interface"):
            target = card.find("target")
            if target is not None and target.get("dev") == tap:
                return card
        return None

    return find
