"""What the port forwardings of a floating IP mean for it: with the last one it loses its router."""

import uuid
from collections.abc import Iterable

from django.db.models import F
from django.utils import timezone

from apps.networking import locks, rpcapi, states
from apps.networking.models import FloatingIP, PortForwarding


def follow(floating_ip: FloatingIP) -> None:
    """Write what the forwardings of a locked floating IP mean: it leads through ``router_id``, or nowhere."""
    forwards = PortForwarding.objects.filter(floating_ip=floating_ip).exists()
    FloatingIP.objects.filter(id=floating_ip.id).update(
        router_id=floating_ip.router_id if forwards else None,
        status=states.ACTIVE if forwards else states.DOWN,
        revision_number=F("revision_number") + 1,
        updated_at=timezone.now(),
    )
    rpcapi.changed(floating_ips=[floating_ip.id])


def follow_all(floating_ip_ids: Iterable[uuid.UUID]) -> None:
    """Lock floating IPs, by id, and follow their forwardings, of which the transaction deleted some.

    The lock makes two such transactions take turns: the second sees that nothing is left.
    """
    for floating_ip_id in sorted(floating_ip_ids):
        locked = locks.floating_ip(floating_ip_id)
        if locked is not None:
            follow(locked)
