"""Reading port forwardings of floating IPs."""

import uuid

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import PortForwarding
from apps.networking.selectors import floating_ips


def visible(*, context: RequestContext, floating_ip_id: uuid.UUID) -> QuerySet[PortForwarding]:
    """Forwardings of a floating IP that the caller may see. Raises FloatingIpNotFound (404)."""
    floating_ips.get(context=context, floating_ip_id=floating_ip_id)
    return PortForwarding.objects.select_related("floating_ip").filter(floating_ip_id=floating_ip_id)


def get(*, context: RequestContext, floating_ip_id: uuid.UUID, forwarding_id: uuid.UUID) -> PortForwarding:
    """Return a forwarding. Raises FloatingIpNotFound and PortForwardingNotFound (404)."""
    row = visible(context=context, floating_ip_id=floating_ip_id).filter(id=forwarding_id).first()
    if row is None:
        raise exceptions.PortForwardingNotFound(id=forwarding_id)
    return row
