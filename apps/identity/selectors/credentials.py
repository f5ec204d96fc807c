"""Reading credentials."""

import hashlib
from collections.abc import Mapping

from django.db.models import QuerySet

from apps.identity.exceptions import NotFound
from apps.identity.models import Credential
from apps.identity.selectors import filters

EC2, TOTP = "ec2", "totp"  # the types of credentials that hold EC2 keys, and the secrets of passcodes
KEYS = (EC2, TOTP)  # their secrets can be used to sign in


def hash_of_access(access: str) -> str:
    """Return the hash by which an EC2 key is found. It is the ID of the key's credential, as in Keystone."""
    return hashlib.sha256(access.encode()).hexdigest()


def find(credential_id: str) -> Credential | None:
    return Credential.objects.filter(pk=credential_id).first()


def get(credential_id: str) -> Credential:
    """Raises NotFound."""
    credential = find(credential_id)
    if credential is None:
        raise NotFound(noun="credential", id=credential_id[:64])
    return credential


def listed(params: Mapping[str, str], *, owner_id: str | None) -> QuerySet[Credential]:
    """Return credentials; of one owner where ``owner_id`` says so (OSSA 2019-006)."""
    rows = filters.apply(Credential.objects.all(), params, texts=("type", "user_id"))
    return rows.filter(user_id=owner_id) if owner_id is not None else rows


def ec2_of(user_id: str) -> QuerySet[Credential]:
    return Credential.objects.filter(user_id=user_id, type=EC2)


def totp_of(user_id: str) -> QuerySet[Credential]:
    return Credential.objects.filter(user_id=user_id, type=TOTP)


def ec2(access: str) -> Credential | None:
    return Credential.objects.select_related("user").filter(access_hash=hash_of_access(access)).first()
