"""Requests and documents of flavors, by microversion."""

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text, TrimmedName, since
from apps.compute.api import versions

BIG = 0x7FFFFFFF
DESCRIPTION = microversions.since("2.55")


@extend_schema_field(
    {
        "oneOf": [{"type": "string", "pattern": "^[a-zA-Z0-9._-]([a-zA-Z0-9. _-]*[a-zA-Z0-9._-])?$", "maxLength": 255},
                  {"type": "number"}],
        "nullable": True,
    }
)  # fmt: skip
class FlavorId(serializers.CharField):
    """A text or a number of letters, digits, spaces and ``. - _``; null and "auto" ask for a new UUID."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"max_length": 255, "allow_null": True, "required": False, "trim_whitespace": False, **kwargs}
        )
        self.validators.append(
            RegexValidator(r"\A(?! )[a-zA-Z0-9. _-]+(?<! )\Z", "it has characters that an id cannot have")
        )


class FlavorCreate(StrictSerializer):
    name = TrimmedName()
    id = FlavorId(source="flavor_id")
    ram = serializers.IntegerField(source="ram_mib", min_value=1, max_value=BIG)
    vcpus = serializers.IntegerField(min_value=1, max_value=BIG)
    disk = serializers.IntegerField(source="disk_gib", min_value=0, max_value=BIG)
    swap = serializers.IntegerField(source="swap_mib", min_value=0, max_value=BIG, required=False)
    rxtx_factor = since("2.1", serializers.FloatField(min_value=1e-6, max_value=3.4e38, required=False), until="2.101")
    description = Text(max_length=65535, required=False, allow_null=True, allow_blank=True, trim_whitespace=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        fields["OS-FLV-EXT-DATA:ephemeral"] = serializers.IntegerField(
            source="ephemeral_gib", min_value=0, max_value=BIG, required=False
        )
        fields["os-flavor-access:is_public"] = LooseBoolean(source="is_public", required=False)
        if versions.of(self.context) not in DESCRIPTION:
            del fields["description"]
        return fields


class FlavorUpdate(StrictSerializer):
    description = Text(max_length=65535, allow_null=True, allow_blank=True, trim_whitespace=False)


class FlavorAction(StrictSerializer):
    """The body of addTenantAccess and removeTenantAccess."""

    tenant = Text(min_length=1, max_length=255)
