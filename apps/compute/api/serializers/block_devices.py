"""The disks of a new server, in Nova's two syntaxes."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import LooseBoolean, Pattern, StrictSerializer, Text, since

WITHOUT_TAGS = microversions.since("2.33", "2.41")  # Nova lost them by mistake
TAGS_LOST = "Additional properties are not allowed ('tag' was unexpected) in this microversion"
MAX_GIB = 1 << 20


class BlockDeviceMapping(StrictSerializer):
    """A disk: local (of the image, or blank), or a volume (one that exists, or is made by the build)."""

    device_name = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    no_device = LooseBoolean(required=False, allow_null=True)
    uuid = serializers.UUIDField(required=False)
    source_type = serializers.ChoiceField(["image", "blank", "volume", "snapshot"], required=False)
    destination_type = serializers.ChoiceField(["local", "volume"], required=False)
    boot_index = serializers.IntegerField(required=False, allow_null=True)
    delete_on_termination = LooseBoolean(default=False)
    volume_size = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1 << 20)
    guest_format = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    disk_bus = serializers.ChoiceField(
        ["virtio", "scsi", "sata", "ide", "fdc", "usb", "xen", "lxc", "uml"], required=False, allow_null=True
    )
    device_type = serializers.ChoiceField(["disk", "cdrom", "floppy", "lun"], required=False, allow_null=True)
    volume_type = since("2.67", Text(required=False, allow_null=True, max_length=255))
    tag = since("2.32", Pattern(r"^[^,/]+$", required=False, allow_null=True, max_length=60))

    def validate(self, attrs: Any) -> Any:
        if attrs.get("no_device"):
            return attrs
        if "source_type" not in attrs:
            raise serializers.ValidationError({"source_type": ["This field is required."]})
        return self._checked(attrs)

    def _checked(self, attrs: Any) -> Any:
        source, refused = attrs["source_type"], ""
        if "tag" in attrs and self.version is not None and self.version in WITHOUT_TAGS:
            raise serializers.ValidationError(TAGS_LOST)
        destination = attrs.setdefault("destination_type", "volume" if source in ("volume", "snapshot") else "local")
        if destination == "local" and (source in ("volume", "snapshot") or attrs.get("volume_type")):
            refused = f"source_type {source} and volume_type need destination_type volume"
        elif source != "blank" and not attrs.get("uuid"):
            refused = f"source_type {source} needs a uuid"
        elif destination == "volume" and attrs.get("guest_format"):
            refused = "guest_format is for local disks"
        elif attrs.get("disk_bus") not in (None, "virtio", "scsi", "sata", "ide"):
            refused = f"disk_bus {attrs['disk_bus']} is not offered: virtio, scsi, sata, ide are"
        elif attrs.get("guest_format") not in (None, "", "swap", "ext4"):
            refused = f"guest_format {attrs['guest_format'][:64]} is not offered: swap and ext4 are"
        elif source == "image" and attrs.get("guest_format"):
            refused = "guest_format is for blank disks"
        if refused := refused or _refused_drive(attrs):
            raise serializers.ValidationError(refused)
        return {**attrs, "uuid": str(attrs["uuid"]) if attrs.get("uuid") else None}


def _refused_drive(attrs: Any) -> str:
    """Return what is wrong with the kind of a disk's drive."""
    kind = attrs.get("device_type") or "disk"
    if kind not in ("disk", "cdrom"):
        return f"device_type {kind} is not offered: disk and cdrom are"
    if kind == "cdrom" and (attrs["destination_type"] != "volume" or attrs.get("disk_bus") == "virtio"):
        return "device_type cdrom needs destination_type volume, and another disk_bus than virtio"
    return ""


class LegacyMapping(StrictSerializer):
    """A disk in the syntax before ``block_device_mapping_v2``: volumes and snapshots by the name of their device."""

    device_name = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    volume_id = serializers.UUIDField(required=False, allow_null=True)
    snapshot_id = serializers.UUIDField(required=False, allow_null=True)
    volume_size = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_GIB)
    delete_on_termination = LooseBoolean(default=False)
    virtual_name = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    no_device = Text(required=False, allow_null=True, allow_blank=True)

    def validate(self, attrs: Any) -> Any:
        if attrs.get("virtual_name"):
            raise serializers.ValidationError("virtual_name is not offered: use block_device_mapping_v2")
        if not attrs.get("no_device") and not attrs.get("volume_id") and not attrs.get("snapshot_id"):
            raise serializers.ValidationError("a device needs a volume_id or a snapshot_id")
        return attrs


def names_of(mappings: Sequence[dict[str, Any]]) -> frozenset[str]:
    """Return the devices that a request names: of a disk that its image prescribes under such a name it gets none."""
    return frozenset((row.get("device_name") or "").removeprefix("/dev/") for row in mappings) - {""}


def legacy_mappings(legacy: Sequence[dict[str, Any]], *, has_image: bool) -> list[dict[str, Any]]:
    """Return the same in the newer syntax. Without an image, the server boots from the root device's volume, or from
    the first.
    """
    rows = [row for row in legacy if not row.get("no_device")]
    rows.sort(key=lambda row: (not (row.get("device_name") or "").endswith("da"), row.get("device_name") or ""))
    return [
        {
            "source_type": "volume" if row.get("volume_id") else "snapshot",
            "destination_type": "volume",
            "uuid": str(row.get("volume_id") or row["snapshot_id"]),
            "boot_index": 0 if index == 0 and not has_image else -1,
            "volume_size": row.get("volume_size"),
            "delete_on_termination": row["delete_on_termination"],
        }
        for index, row in enumerate(rows)
    ]
