"""Trunks as documents."""

from typing import Any

from apps.common.context import RequestContext
from apps.networking.api.documents.base import standard
from apps.networking.models import Port, SubPort, Trunk


def render(trunk: Trunk, context: RequestContext) -> dict[str, Any]:
    """Return the document of a trunk."""
    return {
        **standard(trunk),
        "name": trunk.name,
        "admin_state_up": trunk.admin_state_up,
        "status": trunk.status,
        "port_id": str(trunk.port_id),
        "sub_ports": sub_ports(trunk),
    }


def sub_ports(trunk: Trunk) -> list[dict[str, Any]]:
    """Return a trunk's subports as its document lists them."""
    return [_sub_port(item) for item in trunk.sub_ports.all()]


def _sub_port(item: SubPort) -> dict[str, Any]:
    return {
        "port_id": str(item.port_id),
        "segmentation_type": item.segmentation_type,
        "segmentation_id": item.segmentation_id,
    }


def details(port: Port) -> dict[str, Any]:
    """Return what the document of a trunk's parent port says of the trunk; nothing for another port."""
    trunk: Trunk | None = getattr(port, "trunk", None)
    if trunk is None:
        return {}
    parts = [{**_sub_port(item), "mac_address": item.port.mac_address} for item in trunk.sub_ports.all()]
    return {"trunk_details": {"trunk_id": str(trunk.id), "sub_ports": parts}}
