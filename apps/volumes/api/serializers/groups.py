"""Requests of groups, group types and group snapshots, by microversion."""

from typing import Any

from rest_framework import serializers

from apps.common.api.serializers import LooseBoolean, NameField, StrictSerializer, Text, UUIDString
from apps.volumes import states
from apps.volumes.api.serializers.fields import Name
from apps.volumes.api.serializers.volume_types import ExtraSpecs
from apps.volumes.api.serializers.volumes import Key

IDS = 64 * 37  # characters of a list of volumes' IDs
SETTABLE = (states.CREATING, states.AVAILABLE, states.DELETING, states.ERROR, states.ERROR_DELETING, "updating")


class GroupTypeUpdate(StrictSerializer):
    name = NameField(required=False, allow_null=True)
    description = Name()
    is_public = LooseBoolean(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("name", ...) is None:  # what `cinder` sends if it is to stay
            del attrs["name"]
        if not attrs:
            raise serializers.ValidationError("the body must name at least one value to change")
        return attrs


class GroupTypeCreate(StrictSerializer):
    name = NameField()
    description = Name()
    is_public = LooseBoolean(required=False)
    group_specs = ExtraSpecs(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["group_specs"] = attrs.get("group_specs") or {}
        return attrs


class GroupSpecsBody(StrictSerializer):
    group_specs = ExtraSpecs()


class GroupCreate(StrictSerializer):
    name = Name()
    description = Name()
    group_type = Text(min_length=1, max_length=255)
    volume_types = serializers.ListField(child=Text(min_length=1, max_length=255), min_length=1, max_length=64)
    availability_zone = Key()


class Named(StrictSerializer):
    """Name and description of a group or of its snapshot."""

    name = Name()
    description = Name()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("the body must name at least one value to change")
        if "name" in attrs:
            attrs["name"] = attrs["name"] or ""
        return attrs


class GroupUpdate(Named):
    add_volumes = Text(max_length=IDS, required=False, allow_null=True, allow_blank=True)
    remove_volumes = Text(max_length=IDS, required=False, allow_null=True, allow_blank=True)


class GroupFromSource(StrictSerializer):
    name = Name()
    description = Name()
    group_snapshot_id = UUIDString(required=False, allow_null=True)
    source_group_id = UUIDString(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("group_snapshot_id")) == bool(attrs.get("source_group_id")):
            raise serializers.ValidationError("name either 'group_snapshot_id' or 'source_group_id'")
        return attrs


class DeleteGroup(StrictSerializer):
    def get_fields(self) -> dict[str, Any]:
        return {"delete-volumes": LooseBoolean(required=False, source="with_volumes")}


class ResetGroupStatus(StrictSerializer):
    status = serializers.ChoiceField(choices=SETTABLE)


class GroupSnapshotCreate(StrictSerializer):
    group_id = UUIDString()
    name = Name()
    description = Name()
