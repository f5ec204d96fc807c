"""Credentials as documents."""

from typing import Any

from apps.identity.api.documents.base import link
from apps.identity.models import Credential
from apps.identity.services.credentials import blob_of, ec2_parts


def render(credential: Credential) -> dict[str, Any]:
    return {
        "id": credential.pk,
        "type": credential.type,
        "blob": blob_of(credential),
        "user_id": credential.user_id,
        "project_id": credential.project_id,
    }


def render_ec2(request: Any, credential: Credential) -> dict[str, Any]:
    access, secret = ec2_parts(credential)
    return {
        "access": access,
        "secret": secret,
        "user_id": credential.user_id,
        "tenant_id": credential.project_id,
        "trust_id": None,
        "links": {"self": link(request, "users", credential.user_id, "credentials", "OS-EC2", access)},
    }
