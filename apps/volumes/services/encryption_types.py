"""Writing how the volumes of a type are to be encrypted. It cannot change while a volume has the type."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.volumes import exceptions, locks
from apps.volumes.models import EncryptionType, VolumeType
from apps.volumes.selectors import volume_types as selectors


@transaction.atomic
def create(*, volume_type: VolumeType, values: dict[str, Any]) -> EncryptionType:
    """Raises EncryptionTypeExists and EncryptionTypeInUse (400)."""
    _check_unused(volume_type)
    if selectors.encryption_of(volume_type=volume_type) is not None:
        raise exceptions.EncryptionTypeExists(type=volume_type.id)
    row = EncryptionType.objects.create(volume_type=volume_type, **values)
    audit.record("create", "encryption_type", row.id)
    return row


@transaction.atomic
def update(*, volume_type: VolumeType, values: dict[str, Any]) -> None:
    """Raises EncryptionTypeNotFound (404), EncryptionTypeInUse (400)."""
    _check_unused(volume_type)
    row = _existing(volume_type)
    EncryptionType.objects.filter(id=row.id).update(**values, updated_at=timezone.now())
    audit.record("update", "encryption_type", row.id)


@transaction.atomic
def delete(*, volume_type: VolumeType) -> None:
    """Raises EncryptionTypeNotFound (404), EncryptionTypeInUse (400)."""
    _check_unused(volume_type)
    row = _existing(volume_type)
    audit.record("delete", "encryption_type", row.id)
    row.delete()


def _check_unused(volume_type: VolumeType) -> None:
    locks.volume_type(volume_type.id)
    if selectors.is_used(volume_type=volume_type):
        raise exceptions.EncryptionTypeInUse


def _existing(volume_type: VolumeType) -> EncryptionType:
    row = selectors.encryption_of(volume_type=volume_type)
    if row is None:
        raise exceptions.EncryptionTypeNotFound(type=volume_type.id)
    return row
