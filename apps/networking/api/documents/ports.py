"""Ports as documents."""

from typing import Any

from django.conf import settings

from apps.common import policy
from apps.common.context import RequestContext
from apps.networking.api.documents import trunks
from apps.networking.api.documents.base import optional_id, standard
from apps.networking.models import Port


def render(port: Port, context: RequestContext) -> dict[str, Any]:
    """Return the document of a port; its binding is for administrators only."""
    document = {
        **standard(port),
        "name": port.name,
        "network_id": str(port.network_id),
        "admin_state_up": port.admin_state_up,
        "status": port.status,
        "mac_address": port.mac_address,
        "fixed_ips": [{"subnet_id": str(f.subnet_id), "ip_address": f.ip_address} for f in port.fixed_ips.all()],
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "security_groups": [str(group.security_group_id) for group in port.portsecuritygroup_set.all()],
        "allowed_address_pairs": port.allowed_address_pairs,
        "extra_dhcp_opts": port.extra_dhcp_opts,
        "port_security_enabled": port.port_security_enabled,
        "dns_name": port.dns_name or port.hostname.lower(),
        "dns_domain": port.dns_domain,
        "dns_assignment": _names(port),
        "qos_policy_id": optional_id(port.qos_policy_id),
        "qos_network_policy_id": optional_id(port.network.qos_policy_id),
        "binding:vnic_type": port.vnic_type,
    }
    if policy.allowed(context, "get_port:binding", {"project_id": port.project_id}):
        document["binding:host_id"] = port.host
        document["binding:profile"] = port.profile
        document["binding:vif_type"] = "ovs" if port.host else "unbound"
        document["binding:vif_details"] = {"port_filter": True, "connectivity": "l2"} if port.host else {}
    return {**document, **trunks.details(port)}


def _names(port: Port) -> list[dict[str, str]]:
    """Return the names of a port's addresses, as they are answered inside its network."""
    domain = port.dns_domain or port.network.dns_domain or f"{settings.DNS_DOMAIN}."
    names = []
    for fixed in port.fixed_ips.all():
        unnamed = "host-" + fixed.ip_address.replace(".", "-").replace(":", "-")
        name = port.dns_name or port.hostname.lower() or unnamed
        names.append({"ip_address": fixed.ip_address, "hostname": name, "fqdn": f"{name}.{domain}"})
    return names
