"""Requests of backup plans."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import LooseBoolean, StrictSerializer, UUIDString
from apps.volumes.api.serializers.fields import Name

HOURS, MOST = 24 * 366, 1000


class BackupPlanUpdate(StrictSerializer):
    """``start_at``: when the next round is."""

    name = Name()
    interval_hours = serializers.IntegerField(min_value=1, max_value=HOURS, required=False)
    keep = serializers.IntegerField(min_value=1, max_value=MOST, required=False)
    full_every = serializers.IntegerField(min_value=1, max_value=MOST, required=False)
    enabled = LooseBoolean(required=False)
    start_at = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("the body must name at least one value to change")
        if attrs.get("name", ...) is None:
            attrs["name"] = ""
        return attrs


class BackupPlanCreate(BackupPlanUpdate):
    """Without a volume the plan is for all of the project."""

    volume_id = UUIDString(required=False, allow_null=True)
    interval_hours = serializers.IntegerField(min_value=1, max_value=HOURS)
    keep = serializers.IntegerField(min_value=1, max_value=MOST)
