"""Requests about servers."""

import base64
import binascii
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import (
    AddressField,
    Base64Field,
    LooseBoolean,
    Pattern,
    PrintableName,
    StrictSerializer,
    Text,
    since,
)
from apps.compute import admin_passwords
from apps.compute.api.serializers import block_devices
from apps.compute.api.serializers.server_metadata import Items
from apps.networking.values import RequestedNetwork

_LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
WITH_DOMAIN = microversions.since("2.94")
HOST_NAME = rf"^{_LABEL}(\.{_LABEL})*\Z"  # RFC 1123: valid in DHCP and DNS
MAX_LABEL = 63
MAX_COUNT = 1000
MAX_USER_DATA = 65535  # characters of base64, as in Nova
WITHOUT_TAGS = microversions.since("2.37", "2.41")
NETWORKS_REQUIRED = microversions.since("2.37")


class RequestedNetworkItem(StrictSerializer):
    """One of ``networks``; the value is what networking calls a requested network."""

    uuid = serializers.UUIDField(required=False, source="network_id")
    port = serializers.UUIDField(required=False, allow_null=True, source="port_id")
    fixed_ip = AddressField(required=False)
    tag = since("2.32", Text(required=False, max_length=60))

    def validate(self, attrs: Any) -> Any:
        if "tag" in attrs and self.version is not None and self.version in WITHOUT_TAGS:
            raise serializers.ValidationError(block_devices.TAGS_LOST)
        if not attrs.get("network_id") and not attrs.get("port_id"):
            raise serializers.ValidationError("a network needs uuid or port")
        if attrs.get("port_id") and attrs.get("fixed_ip"):
            raise serializers.ValidationError("fixed_ip cannot be given together with port")
        return RequestedNetwork(**attrs)


@extend_schema_field({"oneOf": [{"type": "string", "minLength": 1, "maxLength": 512}, {"type": "integer"}]})
class FlavorReference(serializers.CharField):
    """A flavor's id: old clients send ids that are numbers as numbers, as Nova takes them."""


@extend_schema_field(
    {
        "oneOf": [
            {
                "type": "array",
                "maxItems": 64,
                "items": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in ("uuid", "port", "fixed_ip", "tag")},
                },
            },
            {"type": "string", "enum": ["auto", "none"]},
        ]
    }
)
class NetworksField(serializers.Field[Any, Any, Any, Any]):
    """A list of networks, "auto" or "none" (2.37)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._items = RequestedNetworkItem(many=True)
        self._items.parent = self  # type: ignore[assignment]  # for the request's version

    def to_internal_value(self, data: Any) -> Any:
        if data in ("auto", "none"):
            return data
        if not isinstance(data, list) or len(data) > 64:
            raise serializers.ValidationError("it must be a list of at most 64 networks, 'auto' or 'none'")
        return self._items.run_validation(data)

    def to_representation(self, value: Any) -> Any:
        return value


class TrustedCertificates(serializers.ListField):
    """IDs of the certificates that may sign a server's image; null for none."""

    child = Text(max_length=255)

    def __init__(self, **kwargs: Any) -> None:
        limits = {"min_length": 1, "max_length": 50}
        row = {"required": False, "allow_null": True, "source": "row.trusted_image_certificates"}
        super().__init__(**{**limits, **row, **kwargs})

    def to_internal_value(self, data: Any) -> list[str]:
        values: list[str] = super().to_internal_value(data)
        if len(set(values)) < len(values):
            raise serializers.ValidationError("the list has non-unique elements")
        return values


class GroupName(serializers.Serializer[Any]):
    name = Text(max_length=255)


class InjectedFile(StrictSerializer):
    path = Text(max_length=255)
    contents = Base64Field(max_length=65535, allow_blank=True)

    def validate_path(self, value: str) -> str:
        if "\0" in value or ".." in value.split("/"):
            raise serializers.ValidationError("it must not leave its directory")
        return value


class TagList(serializers.ListField):
    child = Pattern(r"^[^,/]+$", max_length=60)

    default_error_messages = {"max_length": "the list is too long: at most {max_length} tags"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 50, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> list[str]:
        """Return each tag once, in order. The limit counts all that are sent."""
        return sorted(set(super().run_validation(data)))


class UserData(Text):
    """base64 of at most 65,535 characters, as in Nova; the value has no white space, and is "" for null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": True, "allow_blank": True, "trim_whitespace": False, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        value = super().run_validation(data)
        return "" if value is None else value

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if len(text) > MAX_USER_DATA:
            raise serializers.ValidationError(f"it is longer than {MAX_USER_DATA} characters.")
        packed = "".join(text.split())
        try:
            base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            raise serializers.ValidationError("it is not valid base64.") from None
        return packed


class AccessAddress(AddressField):
    """An address that the client remembers for itself; null and "" clear it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_blank": True, "allow_null": True, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data) or None


class ServerFields(StrictSerializer):
    """What POST and PUT both have. Values below ``row`` are columns of the server's row."""

    accessIPv4 = AccessAddress(version=4, source="row.access_ip_v4")
    accessIPv6 = AccessAddress(version=6, source="row.access_ip_v6")
    description = since(
        "2.19", Text(required=False, max_length=255, allow_null=True, allow_blank=True, source="row.description")
    )
    hostname = since("2.90", Pattern(HOST_NAME, required=False, min_length=1, max_length=255, source="row.hostname"))

    def validate_hostname(self, value: str) -> str:
        """A name with domains is one from 2.94 on."""
        if "." in value and self.version is not None and self.version not in WITH_DOMAIN:
            raise serializers.ValidationError("it is a name without domains in this microversion")
        return value

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        disk_config = serializers.ChoiceField(["AUTO", "MANUAL"], required=False, source="row.disk_config")
        return {**fields, "OS-DCF:diskConfig": disk_config}


class ServerCreate(ServerFields):
    """POST /servers. Fields that ``since`` limits are refused in other microversions, as Nova's schemas do."""

    reusable = True

    ignored = (
        "return_reservation_id",
        "OS-EXT-AZ:availability_zone",
    )

    name = PrintableName(source="row.name")
    flavorRef = FlavorReference(max_length=512)
    imageRef = Text(max_length=512, required=False, allow_blank=True, allow_null=True)
    networks = NetworksField(required=False)
    adminPass = Text(required=False, allow_blank=True, trim_whitespace=False, max_length=admin_passwords.MAX_LENGTH)
    key_name = Text(required=False, max_length=255, allow_null=True)
    metadata = Items(required=False, source="row.metadata")
    user_data = UserData(required=False, source="row.user_data")
    config_drive = serializers.BooleanField(required=False, allow_null=True, source="row.config_drive")
    availability_zone = Text(required=False, max_length=255, allow_null=True)
    min_count = serializers.IntegerField(required=False, min_value=1, max_value=MAX_COUNT)
    max_count = serializers.IntegerField(required=False, min_value=1, max_value=MAX_COUNT)
    security_groups = GroupName(many=True, required=False, max_length=64)  # type: ignore[call-arg]
    block_device_mapping_v2 = block_devices.BlockDeviceMapping(many=True, required=False, max_length=64)  # type: ignore[call-arg]
    personality = since(
        "2.1",
        InjectedFile(many=True, required=False, max_length=64, source="row.personality"),  # type: ignore[call-arg]
        until="2.56",
    )
    tags = since("2.52", TagList(required=False, source="row.tags"))
    host = since("2.74", Text(required=False, max_length=255))
    hypervisor_hostname = since("2.74", Text(required=False, max_length=255))
    block_device_mapping = block_devices.LegacyMapping(many=True, required=False, allow_null=True, max_length=64)  # type: ignore[call-arg]
    trusted_image_certificates = since("2.63", TrustedCertificates())
    dry_run = LooseBoolean(
        required=False,
        help_text="An extension: answer with 200 whether it would fit now, and make nothing (docs/placement.md).",
    )

    def validate(self, attrs: Any) -> Any:
        least = attrs.get("min_count", 1)
        most = attrs.get("max_count", least)
        if least > most:
            raise serializers.ValidationError("min_count must be <= max_count")
        last = attrs["row"].get("hostname", "").rpartition(".")[2]
        if most > 1 and len(f"{last}-{most}") > MAX_LABEL:
            raise serializers.ValidationError({"hostname": [f"it is too long for {most} servers, which get a number"]})
        self._check_networks(attrs.get("networks"))
        attrs |= self._mappings(attrs)
        return {**attrs, "min_count": least, "max_count": most}

    def _mappings(self, attrs: Any) -> dict[str, Any]:
        """Return the block devices, as the newer syntax has them, and the names that are given to devices."""
        legacy, mappings = attrs.pop("block_device_mapping", None) or [], attrs.get("block_device_mapping_v2") or []
        if legacy and mappings:
            raise serializers.ValidationError(
                "Using different block_device_mapping syntaxes is not allowed in the same request."
            )
        named = block_devices.names_of([*legacy, *mappings])
        chosen = block_devices.legacy_mappings(legacy, has_image=bool(attrs.get("imageRef"))) if legacy else mappings
        chosen = [row for row in chosen if not row.get("no_device")]
        return {"block_device_mapping_v2": chosen, "device_names": named}

    def _check_networks(self, networks: Any) -> None:
        if self.version is None:
            return
        if self.version in NETWORKS_REQUIRED and networks is None:
            raise serializers.ValidationError({"networks": ["'networks' is a required property."]})
        if self.version not in NETWORKS_REQUIRED and isinstance(networks, str):
            raise serializers.ValidationError({"networks": ["'auto' and 'none' need microversion 2.37."]})


class Preserve(LooseBoolean):
    """Nova keeps ephemeral disks with some hypervisors alone."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if super().run_validation(data):
            raise serializers.ValidationError("this cloud does not offer to keep ephemeral disks in a rebuild")
        return False


class ServerRebuild(ServerFields):
    """POST /servers/{id}/action with rebuild. Fields that ``since`` limits are refused in other microversions."""

    reusable = True

    imageRef = Text(max_length=512)
    name = PrintableName(required=False, source="row.name")
    adminPass = Text(required=False, allow_blank=True, trim_whitespace=False, max_length=admin_passwords.MAX_LENGTH)
    metadata = Items(required=False, source="row.metadata")
    preserve_ephemeral = Preserve(required=False)
    personality = since(
        "2.1",
        InjectedFile(many=True, required=False, max_length=64, source="row.personality"),  # type: ignore[call-arg]
        until="2.56",
    )
    key_name = since("2.54", Text(required=False, max_length=255, allow_null=True))
    user_data = since("2.57", UserData(required=False, source="row.user_data"))
    trusted_image_certificates = since("2.63", TrustedCertificates())


class ServerUpdate(ServerFields):
    """PUT /servers/{id}."""

    name = PrintableName(required=False, source="row.name")
    pinned_availability_zone = since("2.104", Text(required=False, allow_null=True, min_length=1, max_length=255))


__all__ = ["LooseBoolean", "ServerCreate", "ServerRebuild", "ServerUpdate"]
