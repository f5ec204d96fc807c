"""QoS specs, encryption and defaults of types as documents."""

from typing import Any

from apps.volumes.models import DefaultType, EncryptionType, QosSpec

ENCRYPTION = ("provider", "control_location", "cipher", "key_size")


def render(row: QosSpec) -> dict[str, Any]:
    return {"id": str(row.id), "name": row.name, "consumer": row.consumer, "specs": row.specs}


def render_encryption(row: EncryptionType) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ENCRYPTION}
    return {**values, "volume_type_id": str(row.volume_type_id), "encryption_id": str(row.id)}


def render_default(row: DefaultType) -> dict[str, str]:
    return {"project_id": row.project_id, "volume_type_id": str(row.volume_type_id)}
