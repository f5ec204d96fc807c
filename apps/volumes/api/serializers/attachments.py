"""Requests of attachments."""

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, UUIDString, since
from apps.volumes import states
from apps.volumes.api.serializers.fields import Connector


class AttachmentCreate(StrictSerializer):
    volume_uuid = UUIDString()
    instance_uuid = UUIDString(required=False, allow_null=True)
    connector = Connector(required=False, allow_null=True)
    mode = since("3.54", serializers.ChoiceField(choices=states.MODES, required=False, allow_null=True))


class AttachmentUpdate(StrictSerializer):
    connector = Connector()
    mode = since("3.54", serializers.ChoiceField(choices=states.MODES, required=False, allow_null=True))


class Complete(StrictSerializer):
    """os-complete has no arguments."""
