"""Requests and documents of key pairs, by microversion."""

import re
from typing import Any

from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import PrintableName, StrictSerializer, Text
from apps.common.microversions import Version, since
from apps.compute import public_keys
from apps.compute.api import versions

ACCEPTED = {"type": since("2.2"), "user_id": since("2.10")}
_SAFE = re.compile(r"\A[a-zA-Z0-9_\- ]+\Z")
_SAFE_SINCE_292 = re.compile(r"\A[a-zA-Z0-9_\- @.]+\Z")
IMPORT_ONLY = since("2.92")


class KeyPairCreate(StrictSerializer):
    """``public_key`` absent: generate, which is refused from 2.92 on."""

    name = PrintableName(trim_whitespace=False)
    type = serializers.ChoiceField([public_keys.SSH, public_keys.X509], required=False)
    public_key = Text(required=False, trim_whitespace=False, max_length=public_keys.MAX_LENGTH)
    user_id = Text(required=False, min_length=1, max_length=64)

    @property
    def version(self) -> Version:
        return versions.of(self.context)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name in microversions.hidden(ACCEPTED, self.version):
            del fields[name]
        fields["public_key"].required = self.version in IMPORT_ONLY
        return fields

    def validate_name(self, value: str) -> str:
        if value != value.strip():
            raise serializers.ValidationError("it must not begin or end with white space")
        safe = _SAFE_SINCE_292 if self.version in IMPORT_ONLY else _SAFE
        if not safe.match(value):
            raise serializers.ValidationError("Keypair data is invalid: Keypair name contains unsafe characters")
        return value
