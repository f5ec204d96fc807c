"""Ports, and the addresses they hold."""

from django.db import models

from apps.networking import states
from apps.networking.models.base import Resource
from apps.networking.models.networks import Network
from apps.networking.models.qos import QosPolicy
from apps.networking.models.security_groups import SecurityGroup
from apps.networking.models.subnets import Subnet


class Port(Resource):
    """A place on a network for one interface.

    ``device_id`` is a bare reference upward (a server's id). ``request_index`` is set only by compute's services: the
    number of the interface in the server's request. A port with one is *bound*; a ``device_id`` that a tenant writes
    binds nothing. ``preserved``: the user's own port, kept when the server is deleted. ``hostname`` is the server's,
    ``dns_name`` the one that the port's owner chose.
    """

    network = models.ForeignKey(Network, on_delete=models.PROTECT, related_name="ports")
    mac_address = models.CharField(max_length=17)
    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=16, default=states.DOWN)
    device_id = models.CharField(max_length=255, blank=True, default="")
    device_owner = models.CharField(max_length=255, blank=True, default="")
    request_index = models.PositiveSmallIntegerField(null=True, blank=True)
    preserved = models.BooleanField(default=False)
    hostname = models.CharField(max_length=255, blank=True, default="")
    host = models.CharField(max_length=255, blank=True, default="")
    moving_to = models.CharField(max_length=255, blank=True, default="", help_text="The host that its server moves to.")
    vnic_type = models.CharField(max_length=64, default="normal")
    profile = models.JSONField(default=dict, blank=True)
    port_security_enabled = models.BooleanField(default=True)
    dns_name = models.CharField(max_length=255, blank=True, default="")
    dns_domain = models.CharField(max_length=255, blank=True, default="")
    qos_policy = models.ForeignKey(
        QosPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="ports", db_index=False
    )
    allowed_address_pairs = models.JSONField(default=list, blank=True)
    extra_dhcp_opts = models.JSONField(default=list, blank=True)
    security_groups = models.ManyToManyField(SecurityGroup, through="PortSecurityGroup", related_name="ports")

    class Meta:
        indexes = [
            models.Index(fields=["qos_policy"], name="port_qos", condition=models.Q(qos_policy__isnull=False)),
            models.Index(fields=["device_id"], name="port_device", condition=~models.Q(device_id="")),
            models.Index(fields=["host"], name="port_host", condition=~models.Q(host="")),
            models.Index(fields=["moving_to"], name="port_moving_to", condition=~models.Q(moving_to="")),
            models.Index(fields=["network"], name="port_dhcp", condition=models.Q(device_owner=states.OWNER_DHCP)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["network", "mac_address"], name="port_mac_once_per_network"),
            models.UniqueConstraint(
                fields=["device_id", "request_index"],
                condition=models.Q(request_index__isnull=False),
                name="port_one_per_request",
            ),
        ]

    @property
    def tap(self) -> str:
        """The tap's name on the host: 14 characters, the kernel takes 15."""
        return states.tap_of(self.id)

    @property
    def bound(self) -> bool:
        return self.request_index is not None


class FixedIP(models.Model):
    """One address, held by one port. The constraint makes concurrent boots safe."""

    port = models.ForeignKey(Port, on_delete=models.CASCADE, related_name="fixed_ips")
    subnet = models.ForeignKey(Subnet, on_delete=models.PROTECT, related_name="fixed_ips", db_index=False)
    ip_address = models.GenericIPAddressField(db_index=True)

    class Meta:
        verbose_name = "fixed IP"
        constraints = [models.UniqueConstraint(fields=["subnet", "ip_address"], name="fixed_ip_once_per_subnet")]

    def __str__(self) -> str:
        return str(self.ip_address)


class PortSecurityGroup(models.Model):
    """Which groups guard a port."""

    port = models.ForeignKey(Port, on_delete=models.CASCADE, db_index=False)
    security_group = models.ForeignKey(SecurityGroup, on_delete=models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["port", "security_group"], name="port_security_group_once")]
