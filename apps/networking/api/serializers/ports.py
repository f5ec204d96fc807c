"""Ports on the wire."""

import ipaddress
import re
from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text, UUIDString
from apps.networking import dhcp_options, ranges
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer, TextField
from apps.networking.api.serializers.names import DnsDomainField, DnsNameField

ALIASES = {
    "binding:host_id": "host",
    "binding:profile": "profile",
    "binding:vnic_type": "vnic_type",
}
MAX_PAIRS = 500  # Kubernetes names the range of each node
MAX_FIXED_IPS = 5
MAX_DHCP_OPTIONS = 20
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")


class MacField(serializers.CharField):
    """A MAC address in lower case. Neutron takes those of groups (multicast) as well."""

    def to_internal_value(self, data: Any) -> str:
        text = str(data).lower() if isinstance(data, str) else ""
        if not _MAC.match(text) or text == "00:00:00:00:00:00":
            raise serializers.ValidationError(f"'{str(data)[:64]}' is not a valid MAC address")
        return text


class AddressField(serializers.CharField):
    """One IP address, written the shortest way."""

    def to_internal_value(self, data: Any) -> str:
        try:
            if not isinstance(data, str) or "%" in data:
                raise ValueError
            return str(ipaddress.ip_address(data))
        except ValueError:
            raise serializers.ValidationError(f"'{str(data)[:64]}' is not a valid IP address") from None


class FixedIP(StrictSerializer):
    """An address asked for: this one, or any of a subnet."""

    subnet_id = UUIDString(required=False)
    ip_address = AddressField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("it needs a subnet_id or an ip_address")
        return attrs


class AddressPair(StrictSerializer):
    """Addresses that a guest may use besides its own (OSSA-2014-025, OSSA-2015-012)."""

    ip_address = Text(max_length=64)
    mac_address = MacField(required=False)

    def validate_mac_address(self, text: str) -> str:
        if ranges.is_group_mac(text):
            raise serializers.ValidationError(f"'{text}' is an address of a group (multicast): no port sends from it")
        return text

    def validate_ip_address(self, text: str) -> str:
        try:
            if "%" in text:
                raise ValueError
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise serializers.ValidationError(f"'{text}' is not a valid IP address or subnet") from None
        if (
            network.prefixlen == 0
            or network.is_multicast
            or network.is_loopback
            or network.network_address.is_unspecified
        ):
            raise serializers.ValidationError(f"'{text}' is not allowed as an address pair")
        return text if "/" not in text else str(network)


class DhcpOption(StrictSerializer):
    """One DHCP option, with a value that its kind allows (OSSA-2021-005); null takes it away."""

    opt_name = Text(max_length=64)
    opt_value = Text(max_length=255, allow_null=True)
    ip_version = serializers.ChoiceField([4, 6], default=4)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        name, value, version = attrs["opt_name"], attrs["opt_value"], attrs["ip_version"]
        if value is None:
            return attrs
        if not dhcp_options.is_known(name, version):
            raise serializers.ValidationError({"opt_name": [f"'{name}' is no IPv{version} DHCP option of this cloud"]})
        try:
            dhcp_options.check(name, value, version)
        except ValueError as error:
            raise serializers.ValidationError({"opt_value": [f"{name}: {error}"]}) from None
        return attrs


class PortUpdate(ResourceSerializer):
    """Changes of a port."""

    aliases = ALIASES

    admin_state_up = serializers.BooleanField(required=False)
    mac_address = MacField(required=False)
    fixed_ips = FixedIP(many=True, required=False)
    device_id = TextField()
    device_owner = TextField()
    security_groups = serializers.ListField(child=UUIDString(), required=False, allow_null=True, max_length=32)
    allowed_address_pairs = AddressPair(many=True, required=False, allow_null=True)
    extra_dhcp_opts = DhcpOption(many=True, required=False, allow_null=True)
    port_security_enabled = serializers.BooleanField(required=False)
    dns_name = DnsNameField()
    dns_domain = DnsDomainField()
    qos_policy_id = UUIDString(required=False, allow_null=True)
    host = TextField()
    profile = serializers.DictField(required=False, allow_null=True)
    vnic_type = serializers.ChoiceField(["normal"], required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for key in ("security_groups", "allowed_address_pairs", "extra_dhcp_opts", "profile"):
            if key in attrs and attrs[key] is None:
                attrs[key] = {} if key == "profile" else []
        pairs = attrs.get("allowed_address_pairs", [])
        if len(pairs) > MAX_PAIRS:
            raise serializers.ValidationError({"allowed_address_pairs": [f"at most {MAX_PAIRS} are allowed"]})
        if len(attrs.get("extra_dhcp_opts", [])) > MAX_DHCP_OPTIONS:
            raise serializers.ValidationError({"extra_dhcp_opts": [f"at most {MAX_DHCP_OPTIONS} are allowed"]})
        if "extra_dhcp_opts" in attrs:
            attrs["extra_dhcp_opts"] = [dict(option) for option in attrs["extra_dhcp_opts"]]
        if "allowed_address_pairs" in attrs:
            attrs["allowed_address_pairs"] = [dict(pair) for pair in pairs]
        return attrs


class PortCreate(PortUpdate, OwnedSerializer):
    """A new port."""

    network_id = UUIDString()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("security_groups", ...) is None:
            del attrs["security_groups"]
        return super().validate(attrs)
