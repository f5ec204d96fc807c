"""The traffic that flavors allow the network cards of their servers: ``quota:vif_outbound_average`` and the like."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.compute.models import Server

# Nova's and libvirt's words: inbound reaches the guest. Kilobytes per second, and kilobytes for a burst.
_NAMES = [f"quota:vif_{way}_{what}" for way in ("inbound", "outbound") for what in ("average", "peak", "burst")]
_KBIT = 8
_MOST = 4_294_967_295  # kbit/s, that an engine can hold


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """What a card may send (``egress``) and receive: kbit/s, and kbit at once, 0 for the engine's choice."""

    egress: tuple[int, int] | None
    ingress: tuple[int, int] | None


def of_servers(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Bandwidth]:
    """Return those of the servers whose flavors limit anything. 1 query, none without servers."""
    wanted = list(server_ids)
    if not wanted:
        return {}
    rows = Server.objects.filter(id__in=wanted, flavor__extra_specs__has_any_keys=_NAMES)
    return {key: of(specs) for key, specs in rows.values_list("id", "flavor__extra_specs")}


def of(specs: Mapping[str, Any]) -> Bandwidth:
    return Bandwidth(egress=_rate_of(specs, "outbound"), ingress=_rate_of(specs, "inbound"))


def _rate_of(specs: Mapping[str, Any], way: str) -> tuple[int, int] | None:
    """The average, else the peak. The engine has one rate: a burst passes as fast as it comes."""
    rate = _number(specs, f"quota:vif_{way}_average") or _number(specs, f"quota:vif_{way}_peak")
    return (rate, _number(specs, f"quota:vif_{way}_burst")) if rate else None


def _number(specs: Mapping[str, Any], name: str) -> int:
    """Return an amount in kbit; 0 for what is no whole number, which flavors from before 2.86 may have."""
    text = str(specs.get(name, "")).strip()
    return min(int(text) * _KBIT, _MOST) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
