"""Moving volumes to other back ends: begun by operators, or by a change of the type; what the steps write.

Until the data is on the target, a failure leaves the volume where it is. Nobody else works on it meanwhile: it is in
maintenance, or is being retyped. A server that has it keeps it: its guest goes on with the data on the target.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.quotas.services import reservations
from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec
from apps.volumes import exceptions, locks, rpcapi, states
from apps.volumes.models import Attachment, Snapshot, Volume, VolumeType
from apps.volumes.selectors import backends, quota_amounts, volume_types
from apps.volumes.selectors import pools as pool_selectors
from apps.volumes.services import attached_migrations, managing, pools, quotas, volume_keys, volume_states, volumes

BUSY = (states.MAINTENANCE, states.RETYPING)
CONVERTED = "converted"  # what becomes of a volume whose data changes in place
CHANGES_KEY = "changes_key"  # of a run: the copy is encrypted in another way, or not at all


def migrate(*, context: RequestContext, volume: Volume, host: str) -> None:
    """Begin to move the volume to ``host``: "host@backend", or "host@backend#pool".

    Raises InvalidVolume, InvalidHost (400), Unavailable (503).
    """

    def act(known: managing.Unmanaged | None) -> Volume | None:
        row = volumes.locked(volume)
        check(row)
        target = managing.backend_of(host, enabled=True)
        if (target.host, target.backend) == (row.host, row.backend):
            raise exceptions.InvalidVolume(reason=f"Volume {row.id} is on {host} already.")
        if target.backend == row.backend and pool_selectors.is_shared(backend=row.backend):
            if row.status != states.AVAILABLE:
                raise exceptions.InvalidVolume(
                    reason=f"Volume {row.id} cannot be migrated: all hosts see its pool, and a server has it."
                )
            _rehome(row, target.host)
            return None
        if known is None:
            return row
        begin(
            context=context, row=row, known=known, status=states.MAINTENANCE, backend=target.backend, host=target.host
        )
        return None

    managing.with_unmanaged(act)


def _rehome(row: Volume, host: str) -> None:
    """Another host of the same pool works on the volume from now on: nothing is copied."""
    if not volume_states.rehome(volume_id=row.id, host=host, attachment_id=uuid.uuid4()):
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is busy; try again.")
    Volume.objects.filter(id=row.id).update(migration_status=states.SUCCESS)
    audit.record("volume.migrate", "volume", row.id, details={"to": f"{host}@{row.backend}"})


def check(row: Volume, act: str = "migrated") -> None:
    """Raise InvalidVolume (400) for a volume that cannot be moved now, or its data changed in place: ``act``."""
    problem = ""
    if row.migration_status in states.MOVING:
        problem = "it is migrating already"
    elif row.status not in (states.AVAILABLE, states.IN_USE):
        problem = f"its status must be {states.AVAILABLE} or {states.IN_USE}, not {row.status}"
    elif row.group_id is not None:
        problem = f"it belongs to group {row.group_id}"
    elif not row.host:
        problem = "it is on no host"
    elif Snapshot.objects.filter(volume_id=row.id, deleted_at=None).exists():
        problem = "it has snapshots, delete them first"
    else:
        problem = attached_migrations.why_not(row)
    if problem:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} cannot be {act}: {problem}.")
    volumes.check_copies(row)


def begin(
    *,
    context: RequestContext,
    row: Volume,
    known: managing.Unmanaged,
    status: str,
    backend: str,
    host: str = "",
    volume_type: VolumeType | None = None,
) -> None:
    """Start the run, in the caller's transaction, which holds the volume's lock and has checked it.

    Raises InvalidVolume (400) while its pool has unmanaged snapshots of it.
    """
    known.check(row)
    changes_key = volume_type is not None and volume_keys.differs(volume=row, volume_type=volume_type)
    if changes_key and backend == row.backend and pool_selectors.is_shared(backend=backend):
        raise exceptions.InvalidVolume(
            reason=f"Volume {row.id} cannot change its encryption in a pool that hosts share."
        )
    _mark_begun(row, status)
    if backend == row.backend and pool_selectors.is_shared(backend=backend):
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is in this pool already, which all hosts see.")
    params = {"backend": backend, "host": host}
    if volume_type is not None:
        params["type"] = str(volume_type.id)
        if changes_key:
            params[CHANGES_KEY] = "yes"
            volume_keys.prepare_next(volume=row, volume_type=volume_type)
    attachment = Attachment.objects.filter(volume_id=row.id).first()
    _start(row, lambda: rpcapi.migrate(context=context, volume=row, params=params, attachment=attachment))
    audit.record("volume.migrate", "volume", row.id, details={"to": f"{host or 'any host'}@{backend}"})


def convert(*, context: RequestContext, row: Volume, known: managing.Unmanaged, volume_type: VolumeType) -> None:
    """Start the run that makes the volume's data raw where it is; as ``begin``."""
    known.check(row, CONVERTED)
    _mark_begun(row, states.RETYPING)
    _start(row, lambda: rpcapi.convert(context=context, volume=row, volume_type_id=volume_type.id))
    audit.record("volume.retype", "volume", row.id, details={"type": volume_type.name})


def _mark_begun(row: Volume, status: str) -> None:
    before = {"migration_status": states.STARTING, "error": ""}
    Volume.objects.filter(id=row.id).update(
        status=status, previous_status=row.status, updated_at=timezone.now(), **before
    )


def _start(row: Volume, start: Callable[[], None]) -> None:
    try:
        with transaction.atomic():
            start()
    except IntegrityError:
        raise exceptions.InvalidVolume(reason=f"Volume {row.id} is busy, or its server is; try again.") from None


def finish_elsewhere(*, volume: Volume, new_volume: Volume) -> uuid.UUID:
    """Return the volume that is kept after a swap (os-migrate_volume_completion): migrations here end by themselves.

    Raises InvalidVolume (400) for one that is under way.
    """
    for row in (volume, new_volume):
        if row.migration_status in states.MOVING:
            raise exceptions.InvalidVolume(reason=f"Volume {row.id} is migrating: its migration ends by itself.")
    return new_volume.id


def is_moving(*, volume_id: uuid.UUID) -> bool:
    """Return whether the run may go on: nobody has given the volume another status."""
    return Volume.objects.filter(id=volume_id, deleted_at=None, status__in=BUSY).exists()


@transaction.atomic
def choose(*, volume_id: uuid.UUID, params: dict[str, Any], without: list[str]) -> allocations.Choice | pools.Choice:
    """Choose where the volume goes, and claim room there. Repeated, it gives the same. Raises NoValidHost."""
    row = locks.volume(volume_id)
    assert row is not None
    if row.target_claim is not None and row.target_host:
        return pools.Choice(host=row.target_host, zone=row.availability_zone)
    claim, backend, host = uuid.uuid4(), params["backend"], params["host"]
    without = [*without, row.host] if backend == row.backend else without
    zone = "" if host else row.availability_zone
    if pool_selectors.takes_host_disk(backend):
        spec = RequestSpec(
            vcpus=0, ram_mib=0, disk_gib=row.size, zone=zone or None, force_host=host or None,
            ignore_hosts=frozenset(without) | backends.disabled_hosts(backend=backend), project_id=row.project_id,
        )  # fmt: skip
        choice: allocations.Choice | pools.Choice = allocations.choose_and_claim(consumer_id=claim, spec=spec)
    else:
        choice = pools.choose_target(volume=row, backend=backend, zone=zone, host=host, without=without, claim=claim)
    Volume.objects.filter(id=row.id).update(
        target_host=choice.host, target_backend=backend, target_claim=claim, migration_status=states.MIGRATING,
    )  # fmt: skip
    return choice


@transaction.atomic
def release_target(*, volume_id: uuid.UUID) -> None:
    """The volume does not go there: the room is free again. Absent is success."""
    row = locks.volume(volume_id)
    if row is not None and row.target_claim is not None:
        Volume.objects.filter(id=row.id).update(target_host="", target_backend="", target_claim=None)
        allocations.release(consumer_id=row.target_claim)


@transaction.atomic
def reader(*, volume: Volume, run_id: uuid.UUID, host: str) -> Attachment:
    """Return the attachment by which the target's host reads the volume: the run's. Repeated, it gives the same."""
    row, _ = Attachment.objects.select_related("volume").get_or_create(
        id=run_id,
        defaults={
            "volume": volume, "host": host, "status": states.ATTACHING, "mode": states.READ_ONLY, "by_compute": True,
        },
    )  # fmt: skip
    if row.host != host:
        Attachment.objects.filter(id=run_id).update(host=host)
        row.host = host
    row.volume = volume
    return row


def end_reading(*, run_id: uuid.UUID) -> None:
    """The target's host reads the volume no more: exports close when they have no row."""
    Attachment.objects.filter(id=run_id, server_id=None).delete()


@transaction.atomic
def switch(
    *, volume_id: uuid.UUID, run_id: uuid.UUID, volume_type_id: str | None, form: str, changes_key: bool = False
) -> None:
    """The data is on the target: from now on the volume is there, and has its new type.

    ``changes_key``: the copy is encrypted in another way, or not at all.
    """
    row = locks.volume(volume_id)
    if row is None or not row.target_host or row.target_claim is None:
        return
    end_reading(run_id=run_id)
    before = quota_amounts.of_volume(row)
    values = _of_type(row, volume_type_id) | {"format": form}
    if changes_key:
        values["encrypted"] = volume_keys.switch(volume_id=row.id)
    Volume.objects.filter(id=row.id).update(
        host=row.target_host, backend=row.target_backend, target_host="", target_backend="", target_claim=None,
        migration_status=states.COMPLETING, updated_at=timezone.now(), **values,
    )  # fmt: skip
    allocations.hand_over(claimed_by=row.target_claim, consumer_id=row.id)
    if volume_type_id is not None:
        _settle_type(row, before)


@transaction.atomic
def mark_converted(*, volume_id: uuid.UUID, volume_type_id: str) -> None:
    """The data is raw: the volume has its new type, and may be used."""
    row = locks.volume(volume_id)
    if row is None:
        return
    before = quota_amounts.of_volume(row)
    Volume.objects.filter(id=row.id).update(
        format=states.RAW, updated_at=timezone.now(), **_of_type(row, volume_type_id)
    )
    _settle_type(row, before)
    mark_done(volume_id=volume_id)


def note_format(*, volume_id: uuid.UUID, form: str | None) -> None:
    """The data is in this format, whatever became of the run that was to change it. None: nobody knows."""
    if form is not None:
        Volume.objects.filter(id=volume_id).update(format=form)


def _of_type(row: Volume, volume_type_id: str | None) -> dict[str, Any]:
    """Return what a new type changes of the row, which has it then. One that was deleted since changes nothing."""
    if volume_type_id is None:
        return {}
    row.volume_type = VolumeType.objects.filter(id=volume_type_id).first() or row.volume_type
    return {"volume_type": row.volume_type, "multiattach": volume_types.allows_multiattach(row.volume_type)}


def _settle_type(row: Volume, before: Mapping[str, int]) -> None:
    """The quotas of the new type are in use, those of the former one free."""
    reservations.commit(consumers=[quota_amounts.transfer_of(row.id)])
    of_type = {name: amount for name, amount in before.items() if ":" in name}
    reservations.release(owner_id=row.project_id, each=of_type, consumer=row.id)


def mark_done(*, volume_id: uuid.UUID) -> None:
    """The volume is on its new back end alone, and may be used."""
    before = (*BUSY,)
    if volume_states.restore(volume_id=volume_id, before=before) is not None:
        Volume.objects.filter(id=volume_id).update(migration_status=states.SUCCESS)


@transaction.atomic
def mark_failed(*, volume_id: uuid.UUID, message: str) -> None:
    """The volume stays where it is, of its type, and may be used."""
    volume_states.restore(volume_id=volume_id, before=BUSY)
    volume_keys.discard_next(volume_id=volume_id)
    Volume.objects.filter(id=volume_id).update(migration_status=states.ERROR, error=message)
    volume_states.tell(volume_id=volume_id, event="migrate volume", message=message)
    reservations.cancel(consumers=[quota_amounts.transfer_of(volume_id)])


def reserve_type(*, row: Volume, volume_type: VolumeType) -> None:
    """Reserve what the volume takes of its new type's quotas, last in the caller's transaction. Raises OverLimit."""
    amounts = {
        quota_amounts.of_type(name, volume_type.id): amount
        for name, amount in (("volumes", 1), ("gigabytes", row.size))
    }
    quotas.reserve(project_id=row.project_id, each=amounts, consumer=quota_amounts.transfer_of(row.id))
