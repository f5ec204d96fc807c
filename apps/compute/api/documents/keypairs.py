"""Keypairs as documents, by microversion."""

from typing import Any

from apps.common import microversions
from apps.common.api.documents import microseconds
from apps.common.microversions import Version, since
from apps.compute.models import KeyPair

FIELDS = {"type": since("2.2")}


def render_brief(keypair: KeyPair, version: Version) -> dict[str, Any]:
    """Return an entry of a list."""
    document = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": keypair.fingerprint,
        "type": keypair.type,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def render_created(keypair: KeyPair, private_key: str | None, version: Version) -> dict[str, Any]:
    """Return the answer to a create: the one time that a generated private key is shown."""
    document = {**render_brief(keypair, version), "user_id": keypair.user_id}
    return {**document, "private_key": private_key} if private_key is not None else document


def render(keypair: KeyPair, version: Version) -> dict[str, Any]:
    return {
        **render_brief(keypair, version),
        "id": keypair.id,
        "user_id": keypair.user_id,
        "created_at": microseconds(keypair.created_at),
        "deleted": False,
        "deleted_at": None,
        "updated_at": None,
    }
