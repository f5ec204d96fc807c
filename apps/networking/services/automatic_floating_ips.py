"""Floating IPs that servers get by themselves, as with nova-network: made with the ports, deleted with the server."""

import uuid
from collections.abc import Iterable

from apps.common.context import RequestContext
from apps.networking import locks, rpcapi
from apps.networking.models import FixedIP, FloatingIP, Network
from apps.networking.selectors import routers, sharing
from apps.networking.services import floating_ips, service_ports


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


def remove(*, port_id: uuid.UUID, ips: Iterable[str] | None = None) -> None:
    """Delete those that lead to a locked port: all, or those of the fixed addresses ``ips``.

    One that a request moves meanwhile is the project's own, and stays.
    """
    rows = FloatingIP.objects.filter(fixed_port_id=port_id, auto_assigned=True)
    if ips is not None:
        rows = rows.filter(fixed_ip_address__in=list(ips))
    outer_ports = dict(rows.order_by("id").values_list("id", "floating_port_id"))
    if not outer_ports:
        return
    locks.ports_to_delete(outer_ports.values())
    held = [row for key in outer_ports if (row := locks.floating_ip(key)) is not None and row.auto_assigned]
    for row in held:
        row.delete()
    service_ports.remove([row.floating_port_id for row in held])
    rpcapi.changed(floating_ips=[row.id for row in held])
