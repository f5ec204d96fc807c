"""Credentials and EC2 keys on the wire."""

from typing import Any

import orjson
from rest_framework import serializers

from apps.identity.api.serializers.base import ExtraSerializer, IdField, TextField

MAX_BLOB = 16 * 1024  # characters


class BlobField(TextField):
    """Text; a document is stored as its JSON, as Keystone does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": MAX_BLOB, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(orjson.dumps(data).decode() if isinstance(data, dict) else data)


class CredentialSerializer(ExtraSerializer):
    type = TextField()
    blob = BlobField()
    user_id = IdField()
    project_id = IdField(allow_null=True)


class CredentialUpdateSerializer(CredentialSerializer):
    type = TextField(required=False)
    blob = BlobField(required=False)


class EC2Serializer(ExtraSerializer):
    """The body of POST /users/{id}/credentials/OS-EC2 has no envelope."""

    tenant_id = IdField(required=True)


class SignedRequestSerializer(serializers.Serializer[Any]):
    access = TextField()
    signature = TextField()
    host = TextField(required=False, allow_blank=True, max_length=512)
    # Keystone compares the given values; a signature over an empty verb or path is valid.
    verb = TextField(max_length=16, required=False, allow_blank=True)
    path = TextField(max_length=4096, required=False, allow_blank=True)
    params = serializers.DictField(child=TextField(max_length=4096, allow_blank=True), required=False)
    headers = serializers.DictField(child=TextField(max_length=8192, allow_blank=True), required=False)
    body_hash = TextField(max_length=128)
