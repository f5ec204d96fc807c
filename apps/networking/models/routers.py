"""Routers, their interfaces in networks, and their gateway to an external network."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.networking import states
from apps.networking.models.base import Resource
from apps.networking.models.ports import Port
from apps.networking.models.qos import QosPolicy


class Router(Resource):
    """Ports hold a router's addresses: ``gateway_port`` on the external network, ``RouterInterface`` on the others.

    ``enable_snat``: the router's networks go out behind the gateway's first address. ``routes`` is a list of
    {destination, nexthop}. ``qos_policy`` is the gateway's.
    """

    admin_state_up = models.BooleanField(default=True)
    status = models.CharField(max_length=16, default=states.ACTIVE)
    gateway_port = models.OneToOneField(
        Port, on_delete=models.PROTECT, null=True, blank=True, related_name="gateway_of"
    )
    enable_snat = models.BooleanField(default=True)
    qos_policy = models.ForeignKey(QosPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="routers")
    routes = models.JSONField(default=list, blank=True)
    availability_zone_hints = ArrayField(models.CharField(max_length=255), default=list, blank=True)


class RouterInterface(models.Model):
    """A router's interface in a network: the port is the router's as long as this row exists."""

    router = models.ForeignKey(Router, on_delete=models.PROTECT, related_name="interfaces")
    port = models.OneToOneField(Port, on_delete=models.PROTECT, related_name="router_interface")

    def __str__(self) -> str:
        return f"{self.router_id}: {self.port_id}"
