"""Requests of snapshots."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text
from apps.volumes import states
from apps.volumes.api.serializers.fields import Name, changes, take_older
from apps.volumes.api.serializers.metadata import Items


class SnapshotCreate(StrictSerializer):
    volume_id = Text(max_length=64, allow_null=True)  # of null there is no volume: 404, as in Cinder
    name = Name()
    display_name = Name()
    description = Name()
    display_description = Name()
    force = LooseBoolean(required=False, allow_null=True)
    metadata = Items(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return take_older(attrs)


class SnapshotUpdate(StrictSerializer):
    name = Name()
    display_name = Name()
    description = Name()
    display_description = Name()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return changes(attrs)


class ResetSnapshotStatus(StrictSerializer):
    status = serializers.ChoiceField(
        choices=[status for status in states.SNAPSHOT_STATUSES if status != states.DELETED]
    )


class ReportStatus(StrictSerializer):
    """The argument of os-update_snapshot_status: ``progress`` in percent, "80%"."""

    status = serializers.ChoiceField(choices=states.SNAPSHOT_STATUSES)
    progress = serializers.RegexField(r"\A(?:100|[0-9]{1,2})%?\Z", required=False, allow_null=True)

    def validate_progress(self, value: str | None) -> int | None:
        return int(value.rstrip("%")) if value else None
