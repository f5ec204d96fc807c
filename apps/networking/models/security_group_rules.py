"""Security group rules: one permission each."""

from django.db import models
from django.db.models.functions import Coalesce

from apps.networking.models.address_groups import AddressGroup
from apps.networking.models.base import Resource
from apps.networking.models.security_groups import SecurityGroup

_NONE = "00000000-0000-0000-0000-000000000000"


class SecurityGroupRule(Resource):
    """None stands for "any". Protocols are stored in lower case, prefixes with their host bits zero."""

    security_group = models.ForeignKey(SecurityGroup, on_delete=models.CASCADE, related_name="rules")
    direction = models.CharField(max_length=8)
    ethertype = models.CharField(max_length=8)
    protocol = models.CharField(max_length=32, null=True, blank=True)
    port_range_min = models.IntegerField(null=True, blank=True)
    port_range_max = models.IntegerField(null=True, blank=True)
    remote_ip_prefix = models.CharField(max_length=64, null=True, blank=True)
    remote_group = models.ForeignKey(
        SecurityGroup, on_delete=models.CASCADE, null=True, blank=True, related_name="remote_rules"
    )
    remote_address_group = models.ForeignKey(
        AddressGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="rules"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "security_group",
                "direction",
                "ethertype",
                Coalesce("protocol", models.Value("")),
                Coalesce("port_range_min", models.Value(-1)),
                Coalesce("port_range_max", models.Value(-1)),
                Coalesce("remote_ip_prefix", models.Value("")),
                Coalesce("remote_group", models.Value(_NONE, models.UUIDField())),
                Coalesce("remote_address_group", models.Value(_NONE, models.UUIDField())),
                name="security_group_rule_once",
            ),
        ]
