"""Regions on the wire."""

from apps.identity.api.serializers.base import DescriptionField, ExtraSerializer, TextField


class RegionSerializer(ExtraSerializer):
    id = TextField(required=False, allow_blank=True)
    parent_region_id = TextField(required=False, allow_null=True)
    description = DescriptionField()

    ignored = ("links", "extra", "url", "enabled")
