"""Volumes to attach to servers."""

from apps.common.api.serializers import LooseBoolean, Pattern, StrictSerializer, Text, UUIDString, since


class VolumeAttachment(StrictSerializer):
    """The volume, and how the server has it. The name of the device is the cloud's choice, as in Nova."""

    volumeId = UUIDString()
    device = Text(required=False, allow_null=True, allow_blank=True, max_length=255)
    tag = since("2.49", Pattern(r"^[^,/]+$", required=False, max_length=60))
    delete_on_termination = since("2.79", LooseBoolean(required=False))


class VolumeAttachmentUpdate(StrictSerializer):
    """PUT: another volume in its place, and since 2.85 whether the volume is deleted with the server."""

    volumeId = UUIDString()
    delete_on_termination = since("2.85", LooseBoolean(required=False))
    device = since("2.85", Text(required=False, allow_null=True))
    serverId = since("2.85", UUIDString(required=False))
    id = since("2.85", UUIDString(required=False))
    tag = since("2.85", Text(required=False, allow_null=True))
    attachment_id = since("2.89", UUIDString(required=False))
    bdm_uuid = since("2.89", UUIDString(required=False))
