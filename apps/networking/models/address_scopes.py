"""Address scopes: no two subnet pools of a scope share an address."""

from django.db import models

from apps.networking.models.base import SharedResource


class AddressScope(SharedResource):
    """The subnets of a scope's pools can be routed to each other without translation."""

    ip_version = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(ip_version__in=[4, 6]), name="address_scope_ip_version"),
        ]
