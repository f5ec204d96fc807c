"""Quotas on the wire: one key for each resource."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer
from apps.networking.selectors.quotas import COUNTS

LARGEST = 2**31 - 1


class QuotaUpdate(StrictSerializer):
    """Limits by resource, -1 for none. ``force`` and ``check_limit`` mean nothing: any limit may be set."""

    ignored = ("force", "check_limit", "tenant_id", "project_id")

    def get_fields(self) -> dict[str, Any]:
        return {name: serializers.IntegerField(required=False, min_value=-1, max_value=LARGEST) for name in COUNTS}
