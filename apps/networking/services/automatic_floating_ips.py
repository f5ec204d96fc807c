"""Floating IPs that servers get by themselves, as with nova-network: made with the ports, deleted with the server."""

import uuid

from apps.common.context import RequestContext
from apps.networking.models import FixedIP, FloatingIP, Network
from apps.networking.selectors import routers, sharing
from apps.networking.services import floating_ips


def assign(*, server_id: uuid.UUID, project_id: str) -> None:
    """Lead a new floating IP of the default external network to a server, unless one leads there already.

    A server none of whose networks has a router to it gets none. Raises OverQuota, IpAddressGenerationFailure (409).
    """
    usable = Network.objects.filter(sharing.usable_external(project_id))
    network = usable.order_by("-is_default", "created_at", "id").first()
    if network is None or FloatingIP.objects.filter(fixed_port__device_id=str(server_id)).exists():
        return
    fixed = _reachable(server_id, network)
    if fixed is not None:
        values = {
            "floating_network_id": network.id, "port_id": fixed.port_id, "fixed_ip_address": fixed.ip_address,
            "auto_assigned": True,
        }  # fmt: skip
        floating_ips.create(context=RequestContext(project_id=project_id), values=values)


def _reachable(server_id: uuid.UUID, network: Network) -> FixedIP | None:
    """Return the first IPv4 address of a server behind a router to an external network."""
    held = FixedIP.objects.filter(port__device_id=str(server_id), port__request_index__isnull=False)
    for fixed in held.filter(subnet__ip_version=4).order_by("port__request_index", "id"):
        if routers.leading_to(subnet_ids=[fixed.subnet_id], external_network_id=network.id):
            return fixed
    return None
