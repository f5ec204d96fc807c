"""Floating IPs on the wire."""

from apps.common.api.serializers import StrictSerializer, UUIDString
from apps.networking.api.serializers.base import ProjectField, TextField
from apps.networking.api.serializers.names import DnsDomainField, RelativeNameField
from apps.networking.api.serializers.ports import AddressField


class FloatingIpUpdate(StrictSerializer):
    """Where a floating IP leads: another port, or none (null)."""

    description = TextField()
    port_id = UUIDString(required=False, allow_null=True)
    fixed_ip_address = AddressField(required=False, allow_null=True)
    qos_policy_id = UUIDString(required=False, allow_null=True)


class FloatingIpCreate(FloatingIpUpdate):
    """A new floating IP of an external network."""

    project_id = ProjectField()
    tenant_id = ProjectField()
    floating_network_id = UUIDString()
    dns_name = RelativeNameField()
    dns_domain = DnsDomainField()
    floating_ip_address = AddressField(required=False, allow_null=True)
    subnet_id = UUIDString(required=False, allow_null=True)
