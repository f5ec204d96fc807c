"""Pipelines' writes to a volume's row: every one is a compare-and-swap along the legal moves."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone

from apps.quotas.selectors import reservations as reservation_selectors
from apps.quotas.services import reservations
from apps.scheduling.services import allocations
from apps.scheduling.specs import RequestSpec
from apps.volumes import locks, states
from apps.volumes.models import Attachment, Backup, BackupPlan, Snapshot, Volume
from apps.volumes.selectors import pools, quota_amounts
from apps.volumes.services import messages, snapshot_states, volume_keys
from apps.volumes.sql import volumes as sql
from apps.workflow.services.claims import ClaimArguments, ClaimExtension

_BEGIN_WITH_CLAIM = ClaimExtension(
    name="volume", lock=sql.LOCK_SUBJECT, change=sql.BEGIN_OF_CLAIMED, types=sql.BEGIN_TYPES
)


def begin(*, volume_id: uuid.UUID, status: str) -> Volume | None:
    """Move the volume to ``status`` and return its row. None: no way leads there (it was deleted, say). 1 query."""
    return next((sql.ROW.read(row) for row in sql.BEGIN.fetch({**_move_to(status), "id": volume_id})), None)


def begin_with_claim(*, status: str, before: Sequence[str] | None = None) -> ClaimArguments:
    """Return the same as a part of a step's claim, which gives the row's values: ``read_claimed`` reads them.

    ``before``: the statuses from which it may come, if not all of the table's.
    """
    return ClaimArguments(extension=_BEGIN_WITH_CLAIM, values=_move_to(status, before))


def read_claimed(row: Sequence[Any]) -> Volume:
    return sql.ROW.read(row)


def _move_to(status: str, before: Sequence[str] | None = None) -> dict[str, Any]:
    return {"status": status, "before": list(before or states.VOLUME_MOVES[status])}


def move(*, volume_id: uuid.UUID, status: str, before: Sequence[str] | None = None, **values: Any) -> bool:
    """Move the volume to ``status``, with other values of its row. False: no way leads there. 1 query.

    ``before``: the statuses from which it may come, if not all of the table's.
    """
    rows = Volume.objects.filter(id=volume_id, deleted_at=None, status__in=before or states.VOLUME_MOVES[status])
    return bool(rows.update(status=status, updated_at=timezone.now(), **values))


def set_host(*, volume_id: uuid.UUID, host: str, zone: str) -> None:
    """Note where the volume is made. The zone that the user asked for stays. 1 query."""
    kept = Case(When(availability_zone="", then=Value(zone)), default=F("availability_zone"))
    volume = Volume.objects.filter(id=volume_id, deleted_at=None)
    volume.update(host=host, availability_zone=kept, updated_at=timezone.now())


def set_backend(*, volume_id: uuid.UUID, backend: str, form: str) -> None:
    """Note which back end a volume without a host is made on, and how that writes it. 1 query."""
    rows = Volume.objects.filter(id=volume_id, deleted_at=None, host="")
    rows.update(backend=backend, format=form, updated_at=timezone.now())


def rehome(*, volume_id: uuid.UUID, host: str, attachment_id: uuid.UUID) -> bool:
    """Another host works on a volume of a shared pool from now on, for an attachment. False: it is not on a host,
    another attachment has it open or is about to, or its host makes or removes a snapshot.
    """
    with transaction.atomic():
        volume = locks.volume(volume_id)
        active = (states.ATTACHING, states.ATTACHED, states.DETACHING)
        others = Attachment.objects.filter(volume_id=volume_id, status__in=active).exclude(id=attachment_id)
        snapshots = Snapshot.objects.filter(volume_id=volume_id, status__in=(states.CREATING, states.DELETING))
        if volume is None or not volume.host or others.exists() or snapshots.exists():
            return False
        allocations.release(consumer_id=volume_id)
        spec = RequestSpec(vcpus=0, ram_mib=0, disk_gib=0, force_host=host, project_id=volume.project_id)
        allocations.choose_and_claim(consumer_id=volume_id, spec=spec)
        Volume.objects.filter(id=volume_id).update(host=host, updated_at=timezone.now())
    return True


def clear_host(*, volume_id: uuid.UUID) -> None:
    """The creation left its host, which gets its capacity back."""
    Volume.objects.filter(id=volume_id).update(host="", updated_at=timezone.now())
    allocations.release(consumer_id=volume_id)


@transaction.atomic
def mark_available(*, volume_id: uuid.UUID, image_metadata: Mapping[str, Any] | None = None) -> bool:
    """The volume is made: available, its reservations in use. False: it is not being created.

    ``image_metadata``: what the image says of the data that was copied; the volume is bootable then.
    """
    values: dict[str, Any] = {"launched_at": timezone.now(), "error": ""}
    if image_metadata is not None:
        values |= {"image_metadata": dict(image_metadata), "bootable": True}
    moved = move(volume_id=volume_id, status=states.AVAILABLE, before=(states.CREATING, states.DOWNLOADING), **values)
    if moved:
        reservations.commit(consumers=[volume_id])
    return moved


@transaction.atomic
def mark_error(*, volume_id: uuid.UUID, message: str, status: str = states.ERROR, event: str = "create volume") -> bool:
    """ERROR with a sentence that the user may read. It counts against its quota until it is deleted."""
    moved = move(volume_id=volume_id, status=status, error=message)
    if moved:
        tell(volume_id=volume_id, event=event, message=message)
        reservations.commit(consumers=[volume_id])
    return moved


def tell(*, volume_id: uuid.UUID, event: str, message: str) -> None:
    """Tell the volume's project what failed."""
    messages.write(row=Volume.objects.get(id=volume_id), event=event, text=message)


def set_error_message(*, volume_id: uuid.UUID, message: str) -> None:
    """Note why the last action failed; the volume's status stays."""
    Volume.objects.filter(id=volume_id, deleted_at=None).update(error=message, updated_at=timezone.now())


def set_format(*, volume_id: uuid.UUID, form: str) -> None:
    """Note how the back end wrote a volume that was taken over. One server alone has a volume that is not raw."""
    volume = Volume.objects.filter(id=volume_id, deleted_at=None)
    volume.update(format=form)
    if form != states.RAW:
        volume.update(multiattach=False)


def keep(*, volume_id: uuid.UUID, message: str) -> None:
    """The volume was not released, and is as before."""
    move(volume_id=volume_id, status=states.AVAILABLE, before=(states.DELETING,), error=message, previous_status="")
    tell(volume_id=volume_id, event="unmanage volume", message=message)


def restore(*, volume_id: uuid.UUID, before: Sequence[str]) -> str | None:
    """End a task that is over: the volume goes back to in-use if it is attached, else to available.

    ``before``: the statuses of the task. Returns the new status; None: the volume has no such task. 2 queries.
    """
    attached = Attachment.objects.filter(volume_id=volume_id, status=states.ATTACHED).exists()
    status = states.IN_USE if attached else states.AVAILABLE
    moved = move(volume_id=volume_id, status=status, before=before, previous_status="")
    return status if moved else None


@transaction.atomic
def end_restores(*, volume_id: uuid.UUID) -> None:
    """Nothing is restored to the volume any more: the backup is as it was. Locks the volume."""
    locks.volume(volume_id)
    rows = Backup.objects.filter(restoring_id=volume_id, deleted_at=None, status=states.RESTORING)
    rows.update(status=states.AVAILABLE, restoring_id=None, updated_at=timezone.now())


@transaction.atomic
def mark_reverted(*, volume_id: uuid.UUID, snapshot_id: uuid.UUID, error: str = "") -> None:
    """The volume has its snapshot's content, or is as before because of an ``error``. Both are available."""
    restore(volume_id=volume_id, before=(states.REVERTING,))
    if error:
        tell(volume_id=volume_id, event="revert volume", message=error)
    set_error_message(volume_id=volume_id, message=error)
    snapshot_states.move(snapshot_id=snapshot_id, status=states.AVAILABLE, before=(states.RESTORING,))


@transaction.atomic
def mark_reimaged(*, volume_id: uuid.UUID, image_metadata: Mapping[str, str]) -> None:
    """The volume has the image's content; it is reserved again where it was, else available. Locks the volume."""
    row = locks.volume(volume_id)
    if row is None or row.status != states.DOWNLOADING:
        return
    status = states.RESERVED if row.previous_status == states.RESERVED else states.AVAILABLE
    move(volume_id=volume_id, status=status, before=(states.DOWNLOADING,), previous_status="", error="")
    Volume.objects.filter(id=volume_id).update(bootable=True, image_metadata=dict(image_metadata))


@transaction.atomic
def mark_upload_failed(*, volume_id: uuid.UUID, message: str) -> None:
    """No image was made of the volume, which is as before."""
    restore(volume_id=volume_id, before=(states.UPLOADING,))
    set_error_message(volume_id=volume_id, message=message)
    tell(volume_id=volume_id, event="copy volume to image", message=message)


@transaction.atomic
def mark_extended(*, volume_id: uuid.UUID, new_size: int) -> bool:
    """The volume has ``new_size`` GiB; it is available, or in use, again. False: it is not being extended."""
    if restore(volume_id=volume_id, before=(states.EXTENDING,)) is None:
        return False
    Volume.objects.filter(id=volume_id).update(size=new_size, error="")
    reservations.commit(consumers=[volume_id])
    return True


@transaction.atomic
def mark_extend_failed(*, volume_id: uuid.UUID, message: str, intact: bool) -> bool:
    """The extension failed, and its quota is given back.

    ``intact``: the volume is as before and may be used, and its claim shrinks again; else it is error_extending.
    """
    tell(volume_id=volume_id, event="extend volume", message=message)
    if intact:
        moved = restore(volume_id=volume_id, before=(states.EXTENDING,)) is not None
        set_error_message(volume_id=volume_id, message=message)
        volume = Volume.objects.get(id=volume_id)
        allocations.set_disk(consumer_id=volume_id, disk_gib=pools.claimed_disk(volume))
    else:
        moved = move(volume_id=volume_id, status=states.ERROR_EXTENDING, error=message)
    if moved:
        reservations.cancel(consumers=[volume_id])
    return moved


def cancel_extension(*, volume_id: uuid.UUID) -> None:
    """Give back what an extension under way has reserved. The reservations of a creation stay."""
    promised = reservation_selectors.of_consumer(consumer_id=volume_id)
    if promised and quota_amounts.VOLUMES not in promised:
        reservations.cancel(consumers=[volume_id])


@transaction.atomic
def mark_deleted(*, volume_id: uuid.UUID) -> None:
    """The last act of a deletion: the row is marked, usage and allocation are given back, once.

    Its snapshots that are being deleted went with it (a deletion with ``cascade``).
    """
    volume = locks.volume(volume_id)
    if volume is None:
        return
    ids = Snapshot.objects.filter(volume_id=volume_id, deleted_at=None, status=states.DELETING).order_by("id")
    snapshots = [snapshot for key in ids.values_list("id", flat=True) if (snapshot := locks.snapshot(key)) is not None]
    now = timezone.now()
    Volume.objects.filter(id=volume_id).update(
        status=states.DELETED, deleted_at=now, updated_at=now, scheduler_hints={}, error="", target_claim=None
    )
    if volume.encrypted or volume.migration_status:
        volume_keys.delete(volume_id=volume_id)
    snapshot_states.mark_rows_deleted(snapshots)
    Attachment.objects.filter(volume_id=volume_id).delete()
    BackupPlan.objects.filter(volume_id=volume_id).delete()
    # The host's rows before the project's, as everywhere: else two transactions could wait for each other.
    allocations.release(consumer_id=volume_id)
    if volume.target_claim is not None:
        allocations.release(consumer_id=volume.target_claim)
    cancel_extension(volume_id=volume_id)
    snapshot_states.release_quota(snapshots)
    reservations.release(owner_id=volume.project_id, each=quota_amounts.of_volume(volume), consumer=volume_id)


def mark_delete_failed(*, volume_id: uuid.UUID, message: str) -> bool:
    """The deletion failed: error_deleting, from which it may be deleted again."""
    return move(volume_id=volume_id, status=states.ERROR_DELETING, error=message)
