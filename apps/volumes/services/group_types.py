"""Writing group types."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from apps.common import audit
from apps.common.exceptions import BadRequest
from apps.volumes import exceptions
from apps.volumes.models import GroupType
from apps.volumes.services import groups

MAX_SPECS = 256  # of one type


def create(*, values: dict[str, Any]) -> GroupType:
    """Raises GroupTypeExists (409)."""
    _check_count(values.get("group_specs") or {})
    try:
        with transaction.atomic():
            row = GroupType.objects.create(**values)
            audit.record("create", "group_type", row.id)
    except IntegrityError:
        raise exceptions.GroupTypeExists(name=values["name"]) from None
    return row


def update(*, group_type: GroupType, values: dict[str, Any]) -> GroupType:
    """Raises GroupTypeExists (409)."""
    try:
        with transaction.atomic():
            GroupType.objects.filter(id=group_type.id).update(**values, updated_at=timezone.now())
            audit.record("update", "group_type", group_type.id)
    except IntegrityError:
        raise exceptions.GroupTypeExists(name=values["name"]) from None
    group_type.refresh_from_db()
    return group_type


def delete(*, group_type: GroupType) -> None:
    """Raises GroupTypeInUse (400)."""
    groups.prune()  # those that went with their volumes count no more
    try:
        with transaction.atomic():
            GroupType.objects.filter(id=group_type.id).delete()
            audit.record("delete", "group_type", group_type.id)
    except ProtectedError:
        raise exceptions.GroupTypeInUse(type=group_type.id) from None


def set_specs(*, group_type: GroupType, specs: dict[str, str]) -> dict[str, str]:
    """Add or replace specs. Returns the arguments. Raises BadRequest (400)."""
    merged = {**group_type.group_specs, **specs}
    _check_count(merged)
    update(group_type=group_type, values={"group_specs": merged})
    return specs


def delete_spec(*, group_type: GroupType, key: str) -> None:
    """Raises GroupSpecNotFound (404)."""
    rest = {name: value for name, value in group_type.group_specs.items() if name != key}
    if len(rest) == len(group_type.group_specs):
        raise exceptions.GroupSpecNotFound(type=group_type.id, key=key[:255])
    update(group_type=group_type, values={"group_specs": rest})


def _check_count(specs: dict[str, str]) -> None:
    if len(specs) > MAX_SPECS:
        raise BadRequest(f"A group type can have at most {MAX_SPECS} group specs.")
