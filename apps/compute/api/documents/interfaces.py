"""Interfaces of servers as documents, by microversion."""

from typing import TYPE_CHECKING, Any

from apps.common.microversions import Version, since

if TYPE_CHECKING:
    from apps.networking.models import Port

TAGGED = since("2.70")


def render(port: "Port", version: Version, tag: str | None) -> dict[str, Any]:
    document = {
        "port_id": str(port.id),
        "net_id": str(port.network_id),
        "mac_addr": port.mac_address,
        "port_state": port.status,
        "fixed_ips": [
            {"subnet_id": str(fixed.subnet_id), "ip_address": fixed.ip_address} for fixed in port.fixed_ips.all()
        ],
    }
    return document | {"tag": tag} if version in TAGGED else document
