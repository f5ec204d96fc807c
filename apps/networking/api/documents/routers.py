"""Routers as documents."""

from typing import Any

from apps.common import policy
from apps.common.context import RequestContext
from apps.networking.api.documents.base import optional_id, standard
from apps.networking.models import Router
from apps.networking.services.router_interfaces import Attachment


def render(router: Router, context: RequestContext) -> dict[str, Any]:
    """Return the document of a router; how it is realised is for administrators."""
    document = {
        **standard(router),
        "name": router.name,
        "admin_state_up": router.admin_state_up,
        "status": router.status,
        "external_gateway_info": _gateway(router),
        "routes": router.routes,
        "availability_zones": [],
        "availability_zone_hints": router.availability_zone_hints,
        "flavor_id": None,
    }
    for mode in ("distributed", "ha"):
        if policy.allowed(context, f"get_router:{mode}", {"project_id": router.project_id}):
            document[mode] = False
    return document


def _gateway(router: Router) -> dict[str, Any] | None:
    port = router.gateway_port
    if port is None:
        return None
    return {
        "network_id": str(port.network_id),
        "enable_snat": router.enable_snat,
        "qos_policy_id": optional_id(router.qos_policy_id),
        "external_fixed_ips": [
            {"subnet_id": str(fixed.subnet_id), "ip_address": fixed.ip_address} for fixed in port.fixed_ips.all()
        ],
    }


def interface(router: Router, attachment: Attachment) -> dict[str, Any]:
    """Return the answer to the addition or removal of an interface."""
    return {
        "id": str(router.id),
        "project_id": router.project_id,
        "tenant_id": router.project_id,
        "port_id": str(attachment.port.id),
        "network_id": str(attachment.port.network_id),
        "subnet_id": str(attachment.subnet_ids[-1]),
        "subnet_ids": [str(subnet_id) for subnet_id in attachment.subnet_ids],
        "tags": router.tags,
    }
