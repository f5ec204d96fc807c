"""Volumes and snapshots in the words of Nova's proxies."""

from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text, UUIDString
from apps.volumes.api.serializers.fields import Gibibytes, Name
from apps.volumes.api.serializers.metadata import Items
from apps.volumes.api.serializers.volumes import Key


class VolumeOfNova(StrictSerializer):
    """A new volume: empty, or from a snapshot."""

    size = Gibibytes()
    display_name = Name()
    display_description = Name()
    volume_type = Key()
    availability_zone = Key()
    snapshot_id = Key()
    metadata = Items(required=False, allow_null=True)


class SnapshotOfNova(StrictSerializer):
    volume_id = Text(max_length=64)
    display_name = Name()
    display_description = Name()
    force = LooseBoolean(required=False, allow_null=True)


class CreateInfo(StrictSerializer):
    """``type`` and ``new_file`` name a file that the caller prepared: this cloud's volumes have their own."""

    snapshot_id = UUIDString()
    type = Text(max_length=255)
    new_file = Text(max_length=255)
    id = Text(max_length=255, required=False)


class AssistedSnapshot(StrictSerializer):
    volume_id = UUIDString()
    create_info = CreateInfo()
