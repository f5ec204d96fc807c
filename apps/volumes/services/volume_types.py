"""Writing volume types, their extra specs and who may use them."""

import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit
from apps.common.exceptions import BadRequest
from apps.identity.selectors import projects
from apps.volumes import exceptions, locks
from apps.volumes.models import VolumeType, VolumeTypeAccess
from apps.volumes.selectors import volume_types as selectors

MAX_EXTRA_SPECS = 256  # of one type
# A volume keeps what its type said when it was made; these cannot change under it (cinder, volume_types).
FIXED_IN_USE = (selectors.MULTIATTACH, selectors.BACKEND)


def create(*, values: dict[str, Any]) -> VolumeType:
    """Make a type. Raises VolumeTypeExists (409)."""
    _check_count(values.get("extra_specs") or {})
    try:
        with transaction.atomic():
            row = VolumeType.objects.create(**values)
            audit.record("create", "volume_type", row.id)
    except IntegrityError:
        raise exceptions.VolumeTypeExists(name=values["name"]) from None
    return row


def update(*, volume_type: VolumeType, values: dict[str, Any]) -> VolumeType:
    """Change name, description or whether it is public. Raises VolumeTypeExists (409), BadRequest (400)."""
    if volume_type.name == settings.DEFAULT_VOLUME_TYPE and values.get("name", volume_type.name) != volume_type.name:
        raise BadRequest("The default volume type cannot be renamed: volumes without a type get it by its name.")
    try:
        with transaction.atomic():
            VolumeType.objects.filter(id=volume_type.id).update(**values, updated_at=timezone.now())
            audit.record("update", "volume_type", volume_type.id)
    except IntegrityError:
        raise exceptions.VolumeTypeExists(name=values["name"]) from None
    volume_type.refresh_from_db()
    return volume_type


@transaction.atomic
def delete(*, volume_type: VolumeType) -> None:
    """Raises VolumeTypeNotFound (404), VolumeTypeInUse and LastVolumeType (400)."""
    row = _locked(volume_type.id)
    if row.name == settings.DEFAULT_VOLUME_TYPE:
        raise exceptions.LastVolumeType(type=row.id)
    if selectors.is_used(volume_type=row):
        raise exceptions.VolumeTypeInUse(type=row.id)
    row.delete()
    audit.record("delete", "volume_type", volume_type.id)


@transaction.atomic
def add_extra_specs(*, volume_type: VolumeType, extra_specs: dict[str, str]) -> dict[str, str]:
    """Add or replace extra specs. Returns the arguments. Raises BadRequest (400)."""
    row = _locked(volume_type.id)
    _check_fixed(row, [key for key, value in extra_specs.items() if row.extra_specs.get(key) != value])
    merged = {**row.extra_specs, **extra_specs}
    _check_count(merged)
    VolumeType.objects.filter(id=row.id).update(extra_specs=merged, updated_at=timezone.now())
    return extra_specs


@transaction.atomic
def delete_extra_spec(*, volume_type: VolumeType, key: str) -> None:
    """Raises ExtraSpecNotFound (404), BadRequest (400)."""
    row = _locked(volume_type.id)
    if key not in row.extra_specs:
        raise exceptions.ExtraSpecNotFound(type=row.id, key=key[:255])
    _check_fixed(row, [key])
    rest = {name: value for name, value in row.extra_specs.items() if name != key}
    VolumeType.objects.filter(id=row.id).update(extra_specs=rest, updated_at=timezone.now())


def add_access(*, volume_type: VolumeType, project_id: str) -> None:
    """Let a project use a private type.

    Raises PrivateTypeOnly (403), BadRequest (400) for an unknown project, TypeAccessExists (409).
    """
    _check_access(volume_type, project_id)
    _, created = VolumeTypeAccess.objects.get_or_create(volume_type=volume_type, project_id=project_id)
    if not created:
        raise exceptions.TypeAccessExists(type=volume_type.id, project=project_id)


def remove_access(*, volume_type: VolumeType, project_id: str) -> None:
    """Raises PrivateTypeOnly (403), BadRequest (400) for an unknown project, TypeAccessNotFound (404)."""
    _check_access(volume_type, project_id)
    gone, _ = VolumeTypeAccess.objects.filter(volume_type=volume_type, project_id=project_id).delete()
    if not gone:
        raise exceptions.TypeAccessNotFound(type=volume_type.id, project=project_id)


def _locked(type_id: uuid.UUID) -> VolumeType:
    row = locks.volume_type(type_id)
    if row is None:
        raise exceptions.VolumeTypeNotFound(type=type_id)
    return row


def _check_fixed(row: VolumeType, changed: list[str]) -> None:
    fixed = sorted(set(changed) & set(FIXED_IN_USE))
    if fixed and selectors.is_used(volume_type=row):
        raise BadRequest(f"Volume Type is currently in use: {', '.join(fixed)} cannot change.")


def _check_count(extra_specs: dict[str, str]) -> None:
    if len(extra_specs) > MAX_EXTRA_SPECS:
        raise BadRequest(f"A volume type can have at most {MAX_EXTRA_SPECS} extra specs.")


def _check_access(volume_type: VolumeType, project_id: str) -> None:
    if volume_type.is_public:
        raise exceptions.PrivateTypeOnly
    if projects.find(project_id) is None:
        raise BadRequest(f"Project ID {project_id[:64]} is not a valid project.")
