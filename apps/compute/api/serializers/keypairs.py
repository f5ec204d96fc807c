"""Key pairs: what a client may send, and what it gets back, by microversion."""

import re
from typing import Any

from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import PrintableName, StrictSerializer, Text
from apps.common.microversions import Version, since
from apps.compute import public_keys
from apps.compute.api import documents
from apps.compute.models import KeyPair

FIELDS = {"type": since("2.2")}
ACCEPTED = {"type": since("2.2"), "user_id": since("2.10")}
_SAFE = re.compile(r"\A[a-zA-Z0-9_\- ]+\Z")
_SAFE_SINCE_292 = re.compile(r"\A[a-zA-Z0-9_\- @.]+\Z")
IMPORT_ONLY = since("2.92")


class KeyPairCreate(StrictSerializer):
    """``public_key`` absent: generate, which is refused from 2.92 on."""

    name = PrintableName(trim_whitespace=False)
    type = serializers.ChoiceField([public_keys.SSH, public_keys.X509], required=False)
    public_key = Text(required=False, trim_whitespace=False, max_length=public_keys.MAX_LENGTH)
    user_id = Text(required=False, min_length=1, max_length=64)

    @property
    def version(self) -> Version:
        return documents.version_of(self.context)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name in microversions.hidden(ACCEPTED, self.version):
            del fields[name]
        fields["public_key"].required = self.version in IMPORT_ONLY
        return fields

    def validate_name(self, value: str) -> str:
        if value != value.strip():
            raise serializers.ValidationError("it must not begin or end with white space")
        safe = _SAFE_SINCE_292 if self.version in IMPORT_ONLY else _SAFE
        if not safe.match(value):
            raise serializers.ValidationError("Keypair data is invalid: Keypair name contains unsafe characters")
        return value


def brief(keypair: KeyPair, version: Version) -> dict[str, Any]:
    """Return an entry of a list."""
    document = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": keypair.fingerprint,
        "type": keypair.type,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def created(keypair: KeyPair, private_key: str | None, version: Version) -> dict[str, Any]:
    """Return the answer to a create: the one time that a generated private key is shown."""
    document = {**brief(keypair, version), "user_id": keypair.user_id}
    return {**document, "private_key": private_key} if private_key is not None else document


def full(keypair: KeyPair, version: Version) -> dict[str, Any]:
    return {
        **brief(keypair, version),
        "id": keypair.id,
        "user_id": keypair.user_id,
        "created_at": documents.time(keypair.created_at),
        "deleted": False,
        "deleted_at": None,
        "updated_at": None,
    }
