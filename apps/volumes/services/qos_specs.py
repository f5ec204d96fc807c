"""Writing QoS specs, and associating them with types. They apply to volumes that are attached afterwards."""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from apps.common import audit
from apps.volumes import exceptions
from apps.volumes.models import QosSpec, VolumeType
from apps.volumes.selectors import qos_specs as selectors

MAX_SPECS = 64  # of one row


def create(*, name: str, consumer: str, specs: dict[str, str]) -> QosSpec:
    """Raises QosSpecExists (409), InvalidQosSpec (400)."""
    _check(specs)
    try:
        with transaction.atomic():
            row = QosSpec.objects.create(name=name, consumer=consumer, specs=specs)
            audit.record("create", "qos_spec", row.id)
    except IntegrityError:
        raise exceptions.QosSpecExists(name=name) from None
    return row


@transaction.atomic
def update(*, qos_spec: QosSpec, consumer: str | None, specs: dict[str, str]) -> None:
    """Add or replace specs, and change the consumer. Raises InvalidQosSpec (400)."""
    merged = {**qos_spec.specs, **specs}
    _check(merged)
    QosSpec.objects.filter(id=qos_spec.id).update(specs=merged, consumer=consumer or qos_spec.consumer)
    audit.record("update", "qos_spec", qos_spec.id)


@transaction.atomic
def delete_keys(*, qos_spec: QosSpec, keys: Sequence[str]) -> None:
    """Raises QosSpecKeyNotFound (404), and InvalidQosSpec (400) where what is left says nothing without them."""
    for key in keys:
        if key not in qos_spec.specs:
            raise exceptions.QosSpecKeyNotFound(qos=qos_spec.id, key=key[:255])
    rest = {key: value for key, value in qos_spec.specs.items() if key not in keys}
    _check(rest)
    QosSpec.objects.filter(id=qos_spec.id).update(specs=rest)
    audit.record("update", "qos_spec", qos_spec.id)


@transaction.atomic
def delete(*, qos_spec: QosSpec, force: bool) -> None:
    """``force``: also one that types have. Raises QosSpecInUse (400)."""
    if not force and selectors.types_of(qos_spec=qos_spec):
        raise exceptions.QosSpecInUse(qos=qos_spec.id)
    QosSpec.objects.filter(id=qos_spec.id).delete()
    audit.record("delete", "qos_spec", qos_spec.id)


def associate(*, qos_spec: QosSpec, volume_type: VolumeType) -> None:
    """Let a type's volumes have the limits. Raises InvalidVolumeType (400) for a type that has others."""
    if volume_type.qos_spec_id not in (None, qos_spec.id):
        raise exceptions.InvalidVolumeType(
            reason=f"Type {volume_type.id} is already associated with another qos specs: {volume_type.qos_spec_id}"
        )
    VolumeType.objects.filter(id=volume_type.id).update(qos_spec=qos_spec)


def disassociate(*, qos_spec: QosSpec, volume_type: VolumeType | None = None) -> None:
    """Take the limits from a type, or from all (None)."""
    rows = VolumeType.objects.filter(qos_spec=qos_spec)
    (rows if volume_type is None else rows.filter(id=volume_type.id)).update(qos_spec=None)


def _check(specs: dict[str, Any]) -> None:
    if len(specs) > MAX_SPECS:
        raise exceptions.InvalidQosSpec(reason=f"at most {MAX_SPECS} specs")
    for key, value in specs.items():
        if key in selectors.NUMBERS and not (value.isascii() and value.isdigit() and len(value) <= 15):
            raise exceptions.InvalidQosSpec(reason=f"{key} must be a whole number, not {value[:64]}")
    given = {key.removesuffix(selectors.PER_GIB) for key in specs}
    for what in ("bytes", "iops"):
        parts = [f"{which}_{what}_sec" for which in ("read", "write")]
        if f"total_{what}_sec" in given and any(part in given for part in parts):
            raise exceptions.InvalidQosSpec(reason=f"total_{what}_sec excludes {' and '.join(parts)}")
    for key in specs:
        if key.endswith("_max") and key in selectors.LIMITS and key.removesuffix("_max") not in given:
            raise exceptions.InvalidQosSpec(reason=f"{key} needs {key.removesuffix('_max')}")
