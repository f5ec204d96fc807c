"""Subnet pools: prefixes that subnets get their ranges from."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.networking.models.address_scopes import AddressScope
from apps.networking.models.base import SharedResource


class SubnetPool(SharedResource):
    """``prefixes`` do not overlap. ``default_quota`` is how much a project may take of it, in addresses of IPv4 and in
    /64 ranges of IPv6; None is no limit. ``is_default``: subnets that name no pool but ask for one get ranges of it.
    """

    ip_version = models.PositiveSmallIntegerField()
    prefixes = ArrayField(models.CharField(max_length=64))
    min_prefixlen = models.PositiveSmallIntegerField()
    max_prefixlen = models.PositiveSmallIntegerField()
    default_prefixlen = models.PositiveSmallIntegerField()
    default_quota = models.PositiveIntegerField(null=True, blank=True)
    is_default = models.BooleanField(default=False)
    address_scope = models.ForeignKey(
        AddressScope, on_delete=models.PROTECT, null=True, blank=True, related_name="subnetpools"
    )

    class Meta:
        verbose_name = "subnet pool"
        constraints = [
            models.CheckConstraint(condition=models.Q(ip_version__in=[4, 6]), name="subnetpool_ip_version"),
            models.UniqueConstraint(
                fields=["ip_version"], condition=models.Q(is_default=True), name="subnetpool_one_default_per_version"
            ),
        ]
