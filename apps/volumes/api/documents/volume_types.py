"""Volume types as documents."""

from typing import Any

from apps.volumes.models import VolumeType
from apps.volumes.selectors import volume_types

# Extra specs that say what a type does for its users; the others are for administrators.
OPEN_EXTRA_SPECS = (volume_types.MULTIATTACH, volume_types.ZONES, "replication_enabled")


def render(volume_type: VolumeType, *, admin: bool, extra_specs: bool = True) -> dict[str, Any]:
    """Return a type's document. ``extra_specs``: with them, those for everybody unless ``admin``."""
    document: dict[str, Any] = {
        "id": str(volume_type.id),
        "name": volume_type.name,
        "description": volume_type.description,
        "is_public": volume_type.is_public,
        "os-volume-type-access:is_public": volume_type.is_public,
    }
    if extra_specs:
        document["extra_specs"] = visible_extra_specs(volume_type, admin=admin)
    if admin:
        document["qos_specs_id"] = str(volume_type.qos_spec_id) if volume_type.qos_spec_id else None
    return document


def visible_extra_specs(volume_type: VolumeType, *, admin: bool) -> dict[str, str]:
    specs: dict[str, str] = volume_type.extra_specs
    return specs if admin else {key: value for key, value in specs.items() if key in OPEN_EXTRA_SPECS}


def render_access(volume_type: VolumeType, project_id: str) -> dict[str, str]:
    return {"volume_type_id": str(volume_type.id), "project_id": project_id}
