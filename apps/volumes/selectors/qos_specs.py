"""Reading QoS specs."""

from typing import Any

from django.db.models import QuerySet

from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import QosSpecNotFound
from apps.volumes.models import QosSpec, VolumeType

FRONT_END, BACK_END, BOTH = "front-end", "back-end", "both"
CONSUMERS = (FRONT_END, BACK_END, BOTH)
# What the hypervisor applies: libvirt's names of <iotune>, which are Cinder's too.
BASES = tuple(f"{which}_{what}_sec" for which in ("total", "read", "write") for what in ("bytes", "iops"))
OPERATION = "size_iops_sec"  # the bytes that count as one operation
LIMITS = (*(f"{base}{peak}" for base in BASES for peak in ("", "_max")), OPERATION)
PER_GIB, AT_LEAST = "_per_gb", "_per_gb_min"
NUMBERS = (*LIMITS, *(f"{base}{suffix}" for base in BASES for suffix in (PER_GIB, AT_LEAST)))


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


def limits_of(volume_type: VolumeType | None, *, size: int) -> dict[str, int] | None:
    """Return what the hypervisor is to limit of a volume of ``size`` GiB; None: nothing. The type's spec is read.

    A limit for each GiB grows with the volume, from its ``_min`` to its ``_max``, as in Cinder. Of a spec
    from before such limits grew, the total holds and not the reads and writes beside it.
    """
    spec = volume_type.qos_spec if volume_type is not None else None
    if spec is None or spec.consumer == BACK_END:
        return None
    said = {name: int(spec.specs[name]) for name in NUMBERS if str(spec.specs.get(name, "")).isdigit()}
    for base in BASES:
        if base + PER_GIB in said:
            grown = max(said[base + PER_GIB] * size, said.get(base + AT_LEAST, 0))
            said[base] = min(grown, said.pop(f"{base}_max", grown))
    for which, _, rest in (name.partition("_") for name in LIMITS):  # libvirt refuses parts beside a total
        if which in ("read", "write") and said.get(f"total_{rest.removesuffix('_max')}"):
            said.pop(f"{which}_{rest}", None)
    limits = {name: said[name] for name in LIMITS if said.get(name)}
    if not any(name in limits for name in BASES if "iops" in name):  # QEMU refuses a size of nothing
        limits.pop(OPERATION, None)
    return limits or None
