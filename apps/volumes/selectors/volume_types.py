"""Reading volume types. A private type does not exist for projects without access."""

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes import states
from apps.volumes.exceptions import ExtraSpecNotFound, VolumeTypeNotFound
from apps.volumes.models import DefaultType, EncryptionType, VolumeType, VolumeTypeAccess
from apps.workflow.selectors import runs

MULTIATTACH = "multiattach"
BACKEND = "volume_backend_name"
ZONES = "RESKEY:availability_zones"


def visible(*, context: RequestContext) -> QuerySet[VolumeType]:
    """Return the types that the caller may use: public ones and those its project has access to; all for
    administrators.
    """
    rows = VolumeType.objects.all()
    if context.is_admin:
        return rows
    mine = VolumeTypeAccess.objects.filter(project_id=context.project_id or "-").values("volume_type_id")
    return rows.filter(Q(is_public=True) | Q(id__in=mine))


def get(*, context: RequestContext, key: Any) -> VolumeType:
    """Return a type by its ID or its name. Raises VolumeTypeNotFound (404). 1 query."""
    text = str(key)
    type_id = parse_uuid(text)
    condition = Q(name=text[:255]) | Q(id=type_id) if type_id else Q(name=text[:255])
    matches = sorted(visible(context=context).filter(condition), key=lambda row: row.id != type_id)
    if not matches:
        raise VolumeTypeNotFound(type=text[:64])
    return matches[0]


def by_id(*, context: RequestContext, key: Any) -> VolumeType:
    """Return a type by its ID alone. Raises VolumeTypeNotFound (404). 1 query."""
    type_id = parse_uuid(key)
    row = visible(context=context).filter(id=type_id).first() if type_id else None
    if row is None:
        raise VolumeTypeNotFound(type=str(key)[:64])
    return row


def load(*, type_id: Any) -> VolumeType | None:
    """Return a type by its ID, without a policy check: for workers. 1 query."""
    return VolumeType.objects.filter(id=type_id).first()


def default(*, project_id: str | None) -> VolumeType | None:
    """Return the type of a project's volumes that name none, with its encryption: the project's own, or the cloud's.
    1 query.
    """
    own = DefaultType.objects.filter(project_id=project_id or "").values("volume_type_id")
    rows = VolumeType.objects.select_related("encryption")
    kinds = rows.filter(Q(id__in=own) | Q(name=settings.DEFAULT_VOLUME_TYPE))
    return min(kinds, key=lambda row: row.name == settings.DEFAULT_VOLUME_TYPE, default=None)


def extra_spec(*, volume_type: VolumeType, key: str) -> str:
    """Raises ExtraSpecNotFound (404)."""
    if key not in volume_type.extra_specs:
        raise ExtraSpecNotFound(type=volume_type.id, key=key[:255])
    return str(volume_type.extra_specs[key])


def projects_of(*, volume_type: VolumeType) -> list[str]:
    """Return the projects that may use a private type. 1 query."""
    return sorted(volume_type.access.values_list("project_id", flat=True))


def backend_of(volume_type: VolumeType | None) -> str:
    """Return the back end that volumes of a type want; "" for any."""
    specs = volume_type.extra_specs if volume_type is not None else {}
    return str(specs.get(BACKEND) or specs.get(f"capabilities:{BACKEND}") or "")


def zones_of(volume_type: VolumeType | None) -> list[str]:
    """Return the availability zones that volumes of a type may be in; none means any."""
    text = volume_type.extra_specs.get(ZONES, "") if volume_type is not None else ""
    return [zone.strip() for zone in str(text).split(",") if zone.strip()]


def allows_multiattach(volume_type: VolumeType | None) -> bool:
    """Return whether volumes of a type may be attached to several servers."""
    value = volume_type.extra_specs.get(MULTIATTACH, "") if volume_type is not None else ""
    return str(value).strip().lower() in ("<is> true", "true")


def encryption_of(*, volume_type: VolumeType) -> EncryptionType | None:
    """Return how the volumes of a type are to be encrypted. 1 query."""
    return EncryptionType.objects.filter(volume_type=volume_type).first()


def encryption_read_with(volume_type: VolumeType) -> EncryptionType | None:
    """Return the same as it was when the type was read. 1 query, or none where it was read with the type."""
    return getattr(volume_type, "encryption", None)


def is_used(*, volume_type: VolumeType) -> bool:
    """Return whether a volume that is not deleted has the type, or is about to get it. At most 2 queries."""
    coming = runs.active().filter(subject_type=states.SUBJECT, params__type=str(volume_type.id))
    return volume_type.volumes.filter(deleted_at=None).exists() or coming.exists()
