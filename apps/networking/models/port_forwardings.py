"""Port forwardings: ports of a floating IP that lead to ports of fixed addresses."""

from django.db import models

from apps.networking.models.base import Resource
from apps.networking.models.floating_ips import FloatingIP
from apps.networking.models.ports import Port


class PortForwarding(Resource):
    """``port`` is the network's port with ``internal_ip_address``; all other numbers are transport ports.

    A range of external ports leads to as many internal ones, or to one.
    """

    floating_ip = models.ForeignKey(
        FloatingIP, on_delete=models.PROTECT, related_name="port_forwardings", db_index=False
    )
    port = models.ForeignKey(Port, on_delete=models.PROTECT, related_name="port_forwardings", db_index=False)
    protocol = models.CharField(max_length=8)
    internal_ip_address = models.GenericIPAddressField()
    internal_start = models.PositiveIntegerField()
    internal_end = models.PositiveIntegerField()
    external_start = models.PositiveIntegerField()
    external_end = models.PositiveIntegerField()

    class Meta:
        # Their indexes also serve the lists of a floating IP and the deletion of ports.
        constraints = [
            models.UniqueConstraint(
                fields=["floating_ip", "protocol", "external_start"], name="port_forwarding_once_outside"
            ),
            models.UniqueConstraint(
                fields=["port", "protocol", "internal_ip_address", "internal_start"],
                name="port_forwarding_once_inside",
            ),
        ]

    @property
    def external_range(self) -> str:
        """The external ports as Neutron writes them."""
        return f"{self.external_start}:{self.external_end}"

    @property
    def internal_range(self) -> str:
        """The internal ports as Neutron writes them."""
        return f"{self.internal_start}:{self.internal_end}"
