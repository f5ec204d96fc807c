"""Regions on the wire."""

from typing import Any

from apps.identity.api.serializers.base import DescriptionField, ExtraSerializer, TextField
from apps.identity.models import Region


class RegionSerializer(ExtraSerializer):
    id = TextField(required=False, allow_blank=True)
    parent_region_id = TextField(required=False, allow_null=True)
    description = DescriptionField()

    ignored = ("links", "extra", "url", "enabled")


def document(region: Region) -> dict[str, Any]:
    return {
        **region.extra,
        "id": region.pk,
        "parent_region_id": region.parent_id,
        "description": region.description,
    }
