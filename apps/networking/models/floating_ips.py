"""Floating IPs: addresses of an external network that lead to fixed addresses of ports."""

from django.db import models

from apps.networking import states
from apps.networking.models.base import Resource
from apps.networking.models.networks import Network
from apps.networking.models.ports import Port
from apps.networking.models.qos import QosPolicy
from apps.networking.models.routers import Router


class FloatingIP(Resource):
    """``floating_port`` holds the address on the external network.

    Associated: ``fixed_port`` with ``fixed_ip_address``, and ``router``, which translates between the two. With port
    forwardings only ``router`` is set. Who deletes the port disassociates it in the same transaction. ``dns_name`` and
    ``dns_domain`` are kept for clients; nothing publishes them. One that is ``auto_assigned`` was made for a server and
    goes with it, unless somebody moves it before.
    """

    floating_network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="floating_ips")
    floating_port = models.OneToOneField(Port, on_delete=models.PROTECT, related_name="floating_ip")
    floating_ip_address = models.GenericIPAddressField(db_index=True)
    fixed_port = models.ForeignKey(
        Port, on_delete=models.PROTECT, null=True, blank=True, related_name="floating_ips", db_index=False
    )
    fixed_ip_address = models.GenericIPAddressField(null=True, blank=True)
    router = models.ForeignKey(Router, on_delete=models.PROTECT, null=True, blank=True, related_name="floating_ips")
    dns_name = models.CharField(max_length=255, blank=True, default="")
    dns_domain = models.CharField(max_length=255, blank=True, default="")
    qos_policy = models.ForeignKey(
        QosPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="floating_ips"
    )
    status = models.CharField(max_length=16, default=states.DOWN)
    auto_assigned = models.BooleanField(default=False)

    class Meta:
        verbose_name = "floating IP"
        constraints = [
            # Its index also serves the deletion of ports and the addresses of servers.
            models.UniqueConstraint(
                fields=["fixed_port", "fixed_ip_address", "floating_network"], name="floating_ip_once_per_fixed_ip"
            ),
            models.CheckConstraint(
                condition=models.Q(fixed_port__isnull=True, fixed_ip_address__isnull=True)
                | models.Q(fixed_port__isnull=False, fixed_ip_address__isnull=False, router__isnull=False),
                name="floating_ip_associated_wholly",
            ),
        ]

    def __str__(self) -> str:
        return str(self.floating_ip_address)
