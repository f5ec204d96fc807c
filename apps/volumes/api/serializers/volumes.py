"""Requests of volumes, by microversion."""

from typing import Any

from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text, UUIDString, since
from apps.volumes import states
from apps.volumes.api.serializers.fields import Connector, Gibibytes, Name, changes, take_older
from apps.volumes.api.serializers.metadata import Items

STRICT = microversions.since("3.53")


class Key(Text):
    """A name or an ID; null and "" are none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True, "allow_blank": True, "max_length": 255, **kwargs})


class VolumeCreate(StrictSerializer):
    """``display_name`` and ``display_description`` are the older names. Before 3.53 unknown words say nothing.

    ``group_id`` came with 3.13 and ``backup_id`` with 3.47, but Cinder takes them in every version.
    """

    name = Name()
    display_name = Name()
    description = Name()
    display_description = Name()
    size = Gibibytes(required=False, allow_null=True)
    volume_type = Key()
    availability_zone = Key()
    imageRef = Key()
    image_id = Key()
    snapshot_id = Key()
    source_volid = Key()
    metadata = Items(required=False, allow_null=True)
    backup_id = Key()
    group_id = Key()
    consistencygroup_id = Key()
    multiattach = LooseBoolean(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and self.version is not None and self.version not in STRICT:
            data = {key: value for key, value in data.items() if key in self.fields}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.pop("multiattach", None):
            raise serializers.ValidationError(
                {"multiattach": ["the volume type says whether several servers may have a volume: name one that does"]}
            )
        return take_older(attrs, image_id="imageRef")


class VolumeUpdate(StrictSerializer):
    name = Name()
    display_name = Name()
    description = Name()
    display_description = Name()
    metadata = Items(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs and self.version is not None and self.version not in STRICT:
            return attrs
        attrs = changes(attrs)
        if attrs.get("metadata", ...) is None:
            del attrs["metadata"]
        return attrs


class Extend(StrictSerializer):
    new_size = Gibibytes()


class ResetStatus(StrictSerializer):
    status = serializers.ChoiceField(
        choices=[status for status in states.VOLUME_STATUSES if status != states.DELETED], required=False
    )
    attach_status = serializers.ChoiceField(choices=["attached", "detached"], required=False)
    migration_status = serializers.ChoiceField(choices=["none"], required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(
                "Must specify 'status', 'attach_status' or 'migration_status' for update."
            )
        return attrs


class SetBootable(StrictSerializer):
    bootable = LooseBoolean()


class ReadOnlyFlag(StrictSerializer):
    readonly = LooseBoolean()


class Attach(StrictSerializer):
    instance_uuid = UUIDString(required=False, allow_null=True)
    mountpoint = Text(max_length=255, required=False, allow_null=True, allow_blank=True)
    host_name = Text(max_length=255, required=False, allow_null=True)
    mode = serializers.ChoiceField(choices=states.MODES, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("instance_uuid")) == bool(attrs.get("host_name")):
            raise serializers.ValidationError(
                "Invalid request to attach volume to an instance and/or a host: name one."
            )
        return attrs


class Detach(StrictSerializer):
    attachment_id = UUIDString(required=False, allow_null=True)


class ForceDetach(StrictSerializer):
    attachment_id = UUIDString(required=False, allow_null=True)
    connector = Connector(required=False, allow_null=True)


class Connection(StrictSerializer):
    connector = Connector()


class Retype(StrictSerializer):
    new_type = Text(min_length=1, max_length=255)
    migration_policy = serializers.ChoiceField(choices=["never", "on-demand"], required=False, allow_null=True)


class Migrate(StrictSerializer):
    """``host`` is host@backend#pool. A volume that migrates here is never attached meanwhile, and always copied."""

    host = Text(min_length=1, max_length=255)
    force_host_copy = LooseBoolean(required=False, allow_null=True)
    lock_volume = LooseBoolean(required=False, allow_null=True)


class MigrateCompletion(StrictSerializer):
    new_volume = UUIDString()
    error = LooseBoolean(required=False, allow_null=True)


class ExtendCompletion(StrictSerializer):
    error = LooseBoolean()


class Revert(StrictSerializer):
    snapshot_id = UUIDString()


class Reimage(StrictSerializer):
    image_id = UUIDString()
    reimage_reserved = LooseBoolean(required=False, default=False)


VISIBILITIES = ("public", "private", "shared", "community")


class UploadImage(StrictSerializer):
    image_name = Text(min_length=1, max_length=255)
    force = LooseBoolean(required=False, allow_null=True)
    container_format = Key()
    disk_format = Key()
    visibility = since("3.1", serializers.ChoiceField(choices=VISIBILITIES, required=False))
    protected = since("3.1", LooseBoolean(required=False))
