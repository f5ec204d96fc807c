"""Requests of backups, by microversion."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text, since
from apps.volumes import states
from apps.volumes.api.serializers.fields import Name
from apps.volumes.api.serializers.metadata import Items
from apps.volumes.api.serializers.volumes import Key


class BackupCreate(StrictSerializer):
    volume_id = Text(max_length=64)
    snapshot_id = Key()
    name = Name()
    description = Name()
    container = Name()
    incremental = LooseBoolean(required=False, allow_null=True)
    force = LooseBoolean(required=False, allow_null=True)
    metadata = since("3.43", Items(required=False, allow_null=True))
    availability_zone = since("3.51", Key())


class BackupUpdate(StrictSerializer):
    name = Name()
    description = Name()
    metadata = since("3.43", Items(required=False, allow_null=True))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("the body must name at least one value to change")
        if "name" in attrs:
            attrs["name"] = attrs["name"] or ""
        if attrs.get("metadata", ...) is None:
            del attrs["metadata"]
        return attrs


class Restore(StrictSerializer):
    volume_id = Key()
    name = Name()


class ResetBackupStatus(StrictSerializer):
    status = serializers.ChoiceField(choices=[states.AVAILABLE, states.ERROR])


class BackupRecord(StrictSerializer):
    backup_service = Text(min_length=1, max_length=255)
    backup_url = Text(min_length=1, max_length=65536)
