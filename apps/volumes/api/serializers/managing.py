"""Requests to take over volumes and snapshots that are in a pool."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text
from apps.volumes.api.serializers.fields import Name
from apps.volumes.api.serializers.metadata import Items
from apps.volumes.api.serializers.volumes import Key


class Reference(Items):
    """Names what is meant in its pool: ``source-name``."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        reference = super().to_internal_value(data)
        if not reference:
            raise serializers.ValidationError("it must not be empty")
        return reference


class ManageVolume(StrictSerializer):
    ignored = ("cluster",)
    host = Text(min_length=1, max_length=255)
    ref = Reference()
    name = Name()
    description = Name()
    volume_type = Key()
    availability_zone = Key()
    metadata = Items(required=False, allow_null=True)
    bootable = LooseBoolean(required=False, allow_null=True)  # openstackclient sends null


class ManageSnapshot(StrictSerializer):
    volume_id = Text(max_length=64)
    ref = Reference()
    name = Name()
    description = Name()
    metadata = Items(required=False, allow_null=True)
