"""Requests of transfers."""

from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text, since
from apps.volumes.api.serializers.fields import Name


class TransferCreate(StrictSerializer):
    volume_id = Text(max_length=64)
    name = Name()
    no_snapshots = since("3.55", LooseBoolean(required=False))


class TransferAccept(StrictSerializer):
    auth_key = Text(max_length=255)
