"""Quotas and limits: which resource belongs to which microversion, and under which name."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import LooseBoolean, StrictSerializer
from apps.compute.api import versions
from apps.compute.api.documents.quota_sets import FIELDS
from apps.compute.selectors import quota_sets

BIG = 0x7FFFFFFF


class _Limits(StrictSerializer):
    shown: Mapping[str, microversions.Range] = FIELDS

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        version = versions.of(self.context)
        fields = super().get_fields()
        for name in (*quota_sets.RESOURCES, *quota_sets.NETWORK_RESOURCES):
            fields[name] = serializers.IntegerField(min_value=-1, max_value=BIG, required=False)
        for name in microversions.hidden(self.shown, version):
            del fields[name]
        return fields


class QuotaSetUpdate(_Limits):
    ignored = ("tenant_id", "id", "networks")  # clients send them along
    force = LooseBoolean(required=False)


class QuotaClassSetUpdate(_Limits):
    ignored = ("id", "networks")  # groups are taken in all versions, and shown since 2.50
