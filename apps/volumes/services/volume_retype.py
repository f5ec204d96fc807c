"""Changing a volume's type. Where another type needs another back end, the volume moves, if asked to."""

from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.quotas.services import reservations
from apps.volumes import exceptions, locks, states
from apps.volumes.models import Volume, VolumeType
from apps.volumes.selectors import capabilities, qos_specs, quota_amounts, volume_types
from apps.volumes.services import managing, quotas, volume_keys, volume_migrations, volumes


def retype(*, context: RequestContext, volume: Volume, volume_type: VolumeType, may_move: bool = False) -> None:
    """``may_move``: the volume may go to another back end (migration_policy "on-demand").

    Raises InvalidVolume and InvalidInput (400), OverLimit (413) of the new type's quotas, Unavailable (503).
    """
    managing.with_unmanaged(lambda known: _retype(context, volume, volume_type, may_move, known))


def _retype(
    context: RequestContext, volume: Volume, volume_type: VolumeType, may_move: bool, known: managing.Unmanaged | None
) -> Volume | None:
    """In the caller's transaction. Returns the volume if it has to know what its pool keeps."""
    locks.volume_type(volume_type.id)  # what it says does not change before the run is seen
    row = volumes.locked(volume)
    former = row.volume_type
    if row.status not in (states.AVAILABLE, states.IN_USE):
        raise exceptions.InvalidVolume(
            reason=f"Retype needs volume to be in available or in-use state, but it is {row.status}."
        )
    if former is not None and former.id == volume_type.id:
        raise exceptions.InvalidInput(reason=f"New volume_type same as original: {volume_type.id}.")
    _check(row, former, volume_type)
    reason = _why_moves(row, volume_type)
    if reason or _is_converted(row, volume_type):
        if reason and not may_move:
            raise exceptions.InvalidInput(reason=f"{reason}: it has to migrate, which the migration policy forbids")
        volume_migrations.check(row, "migrated" if reason else volume_migrations.CONVERTED)
        if known is None:
            return row
        if reason:
            backend = volume_types.backend_of(volume_type) or row.backend
            volume_migrations.begin(
                context=context, row=row, known=known, status=states.RETYPING, backend=backend, volume_type=volume_type
            )
        else:
            volume_migrations.convert(context=context, row=row, known=known, volume_type=volume_type)
        volume_migrations.reserve_type(row=row, volume_type=volume_type)
        return None
    _change(row, volume_type)
    return None


def _change(row: Volume, volume_type: VolumeType) -> None:
    """Give the volume a type that asks for nothing else of its data."""
    before = _of_types(row)
    row.volume_type = volume_type
    Volume.objects.filter(id=row.id).update(
        volume_type=volume_type, multiattach=volume_types.allows_multiattach(volume_type), updated_at=timezone.now()
    )
    audit.record("volume.retype", "volume", row.id, details={"type": volume_type.name})
    consumer = quota_amounts.transfer_of(row.id)
    quotas.reserve(project_id=row.project_id, each=_of_types(row), consumer=consumer)
    reservations.commit(consumers=[consumer])
    reservations.release(owner_id=row.project_id, each=before, consumer=row.id)


def _check(row: Volume, former: VolumeType | None, chosen: VolumeType) -> None:
    shared = volume_types.allows_multiattach(chosen)
    is_encrypted = volume_keys.check_type(chosen, multiattach=shared)
    zones = volume_types.zones_of(chosen)
    if zones and row.availability_zone not in zones:
        raise exceptions.InvalidTypeZones(zones=", ".join(zones)[:255])
    unmet = capabilities.unmet(chosen.extra_specs, backend=volume_types.backend_of(chosen) or row.backend)
    if unmet:
        raise exceptions.InvalidInput(reason=f"no back end for volumes of the type has {', '.join(unmet)[:255]}")
    if row.status == states.IN_USE and (is_encrypted or row.encrypted):
        raise exceptions.InvalidVolume(reason="Retype cannot change the encryption of a volume in use.")
    if shared != row.multiattach and row.status == states.IN_USE:
        raise exceptions.InvalidVolume(reason="Changing multiattach needs the volume to be available.")
    limits = [qos_specs.limits_of(kind, size=row.size) for kind in (former, chosen)]
    if row.status == states.IN_USE and limits[0] != limits[1]:
        raise exceptions.InvalidVolume(reason="Retype cannot change front-end QoS of a volume in use.")


def _why_moves(row: Volume, chosen: VolumeType) -> str:
    """Return why the volume cannot stay as it is kept; "" if it can."""
    backend = volume_types.backend_of(chosen)
    if backend and backend != row.backend:
        return f"the volume is on the back end {row.backend}, and the type's is {backend}"
    if volume_keys.differs(volume=row, volume_type=chosen):
        return "the volume and the type are encrypted in different ways, or one of them alone is"
    return ""


def _is_converted(row: Volume, chosen: VolumeType) -> bool:
    """Return whether its data becomes raw: several servers may have it then."""
    return volume_types.allows_multiattach(chosen) and row.format != states.RAW


def _of_types(row: Volume) -> dict[str, int]:
    """Return what the volume takes of its type's quotas, with its snapshots."""
    return {name: amount for name, amount in quota_amounts.with_snapshots(row).items() if ":" in name}
