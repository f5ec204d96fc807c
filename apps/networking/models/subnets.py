"""Subnets: one range of addresses in a network each."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.networking.models.base import Resource
from apps.networking.models.networks import Network
from apps.networking.models.subnetpools import SubnetPool


class Subnet(Resource):
    """``allocation_pools`` is a list of {start, end}, both included; ``host_routes`` of {destination, nexthop}.

    The range of a subnet with a ``subnetpool`` is taken out of that pool until the subnet is deleted.
    """

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="subnets")
    subnetpool = models.ForeignKey(SubnetPool, on_delete=models.PROTECT, null=True, blank=True, related_name="subnets")
    ip_version = models.PositiveSmallIntegerField(default=4)
    cidr = models.CharField(max_length=64)
    gateway_ip = models.GenericIPAddressField(null=True, blank=True)
    enable_dhcp = models.BooleanField(default=True)
    allocation_pools = models.JSONField(default=list, blank=True)
    dns_nameservers = ArrayField(models.GenericIPAddressField(), default=list, blank=True)
    host_routes = models.JSONField(default=list, blank=True)
    ipv6_address_mode = models.CharField(max_length=32, null=True, blank=True)
    ipv6_ra_mode = models.CharField(max_length=32, null=True, blank=True)
    service_types = ArrayField(models.CharField(max_length=255), default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(ip_version__in=[4, 6]), name="subnet_ip_version"),
            models.UniqueConstraint(fields=["network", "cidr"], name="subnet_cidr_once_per_network"),
        ]
