"""Reading QoS specs."""

from typing import Any

from django.db.models import QuerySet

from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import QosSpecNotFound
from apps.volumes.models import QosSpec, VolumeType

FRONT_END, BACK_END, BOTH = "front-end", "back-end", "both"
CONSUMERS = (FRONT_END, BACK_END, BOTH)
# What the hypervisor applies: libvirt's names of <iotune>, which are Cinder's too.
LIMITS = tuple(
    f"{which}_{what}_sec{peak}" for which in ("total", "read", "write") for what in ("bytes", "iops")
    for peak in ("", "_max")
)  # fmt: skip


def everything() -> QuerySet[QosSpec]:
    return QosSpec.objects.all()


def get(*, qos_id: Any) -> QosSpec:
    """Raises QosSpecNotFound (404). 1 query."""
    key = parse_uuid(qos_id)
    row = QosSpec.objects.filter(id=key).first() if key else None
    if row is None:
        raise QosSpecNotFound(qos=str(qos_id)[:64])
    return row


def types_of(*, qos_spec: QosSpec) -> list[VolumeType]:
    """Return the types that are associated with it. 1 query."""
    return list(qos_spec.volume_types.order_by("name"))


def limits_of(volume_type: VolumeType | None) -> dict[str, int] | None:
    """Return what the hypervisor is to limit of volumes of a type; None: nothing. The type's spec is read."""
    spec = volume_type.qos_spec if volume_type is not None else None
    if spec is None or spec.consumer == BACK_END:
        return None
    limits = {name: int(spec.specs[name]) for name in LIMITS if str(spec.specs.get(name, "")).isdigit()}
    return {name: value for name, value in limits.items() if value} or None
