"""Reading floating IPs."""

import uuid

from django.db.models import Prefetch, QuerySet

from apps.common.addresses import is_address
from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import FloatingIP, PortForwarding


def visible(*, context: RequestContext) -> QuerySet[FloatingIP]:
    """Floating IPs the caller may see: its project's; all for administrators."""
    forwardings = Prefetch("port_forwardings", PortForwarding.objects.order_by("created_at", "id"))
    rows = FloatingIP.objects.select_related("fixed_port", "floating_network").prefetch_related(forwardings)
    return rows if context.is_admin else rows.filter(project_id=context.project_id or "-")


def get(*, context: RequestContext, floating_ip_id: uuid.UUID) -> FloatingIP:
    """Return a floating IP the caller may see. Raises FloatingIpNotFound (404)."""
    row = visible(context=context).filter(id=floating_ip_id).first()
    if row is None:
        raise exceptions.FloatingIpNotFound(id=floating_ip_id)
    return row


def at(*, context: RequestContext, address: str) -> FloatingIP | None:
    """Return the floating IP with an address, of those that the caller may see; None if there is none."""
    return visible(context=context).filter(floating_ip_address=address).first() if is_address(address) else None
