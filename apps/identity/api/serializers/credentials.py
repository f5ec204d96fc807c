"""Credentials and EC2 keys on the wire."""

from typing import Any

import orjson
from rest_framework import serializers

from apps.identity.api.documents import link
from apps.identity.api.serializers.base import ExtraSerializer, IdField, TextField
from apps.identity.models import Credential
from apps.identity.services.credentials import blob_of, ec2_parts

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
    # Keystone compares what it is given; signatures over an empty verb or path are as good as others.
    verb = TextField(max_length=16, required=False, allow_blank=True)
    path = TextField(max_length=4096, required=False, allow_blank=True)
    params = serializers.DictField(child=TextField(max_length=4096, allow_blank=True), required=False)
    headers = serializers.DictField(child=TextField(max_length=8192, allow_blank=True), required=False)
    body_hash = TextField(max_length=128)


def document(credential: Credential) -> dict[str, Any]:
    return {
        "id": credential.pk,
        "type": credential.type,
        "blob": blob_of(credential),
        "user_id": credential.user_id,
        "project_id": credential.project_id,
    }


def ec2_document(request: Any, credential: Credential) -> dict[str, Any]:
    access, secret = ec2_parts(credential)
    return {
        "access": access,
        "secret": secret,
        "user_id": credential.user_id,
        "tenant_id": credential.project_id,
        "trust_id": None,
        "links": {"self": link(request, "users", credential.user_id, "credentials", "OS-EC2", access)},
    }
