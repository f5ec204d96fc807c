"""Transfers: one project offers a volume, another one that knows the key accepts it."""

import hashlib
import hmac
import secrets

from django.db import transaction
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.quotas.services import reservations
from apps.volumes import exceptions, states
from apps.volumes.models import Attachment, Snapshot, Transfer, Volume
from apps.volumes.selectors import quota_amounts
from apps.volumes.services import quotas, volumes

KEY_BYTES = 16  # random: a plain digest of so many cannot be searched


def create(
    *, volume: Volume, name: str, with_snapshots: bool = True, encrypted_too: bool = True
) -> tuple[Transfer, str]:
    """Offer a volume: awaiting-transfer. Returns the transfer, and its key, which nothing keeps.

    Raises InvalidVolume (400).
    """
    key = secrets.token_hex(KEY_BYTES)
    with transaction.atomic():
        row = volumes.locked(volume)
        if row.status != states.AVAILABLE:
            raise exceptions.InvalidVolume(reason=f"status must be available, not {row.status}")
        if row.encrypted:
            _check_encrypted(allowed=encrypted_too, with_snapshots=with_snapshots)
        if Attachment.objects.filter(volume_id=row.id).exists():
            raise exceptions.InvalidVolume(reason=f"volume {row.id} is still attached")
        if Snapshot.objects.filter(volume_id=row.id, deleted_at=None, status=states.CREATING).exists():
            raise exceptions.InvalidVolume(reason=f"a snapshot of volume {row.id} is being created")
        if not with_snapshots and Snapshot.objects.filter(volume_id=row.id, deleted_at=None).exists():
            raise exceptions.InvalidVolume(
                reason=f"volume {row.id} has snapshots: they cannot stay in the project without it"
            )
        transfer = Transfer.objects.create(
            volume=row, project_id=row.project_id, name=name, key_digest=_digest(key), with_snapshots=with_snapshots
        )
        _set_status(row, states.AWAITING_TRANSFER)
        audit.record("volume.transfer", "volume", row.id)
    return transfer, key


def _check_encrypted(*, allowed: bool, with_snapshots: bool) -> None:
    if not allowed:
        raise exceptions.InvalidVolume(reason="transferring encrypted volume is not supported before 3.70")
    if not with_snapshots:
        raise exceptions.InvalidVolume(reason="transferring an encrypted volume without its snapshots is not supported")


@transaction.atomic
def delete(*, transfer: Transfer) -> None:
    """Withdraw an offer: the volume is available again. An offer that is absent is success."""
    row = volumes.locked(transfer.volume)
    if Transfer.objects.filter(id=transfer.id).delete()[0] and row.status == states.AWAITING_TRANSFER:
        _set_status(row, states.AVAILABLE)


def accept(*, context: RequestContext, transfer: Transfer, key: str) -> None:
    """Take the volume, with its snapshots, into the caller's project.

    Raises TransferNotFound (404) for a wrong key too, so that nobody learns which transfers there are, InvalidVolume
    (400), OverLimit (413).
    """
    if not hmac.compare_digest(_digest(key), transfer.key_digest):
        raise exceptions.TransferNotFound(transfer=transfer.id)
    project_id, user_id = str(context.project_id), context.user_id or ""
    with transaction.atomic():
        row = volumes.locked(transfer.volume)
        if not Transfer.objects.filter(id=transfer.id).delete()[0]:
            raise exceptions.TransferNotFound(transfer=transfer.id)
        if row.status != states.AWAITING_TRANSFER:
            raise exceptions.InvalidVolume(reason=f"volume {row.id} must be awaiting-transfer, not {row.status}")
        now = timezone.now()
        amounts, former = quota_amounts.with_snapshots(row), row.project_id
        Volume.objects.filter(id=row.id).update(
            project_id=project_id, user_id=user_id, status=states.AVAILABLE, updated_at=now
        )
        Snapshot.objects.filter(volume_id=row.id, deleted_at=None).update(
            project_id=project_id, user_id=user_id, updated_at=now
        )
        audit.record("volume.accept_transfer", "volume", row.id, details={"from": former})
        _move_usage(row, amounts, former=former, project_id=project_id)


def _move_usage(row: Volume, amounts: dict[str, int], *, former: str, project_id: str) -> None:
    """Take the usage from one project to the other. Both rows are locked in the order of the projects' ids."""
    for owner in sorted({former, project_id} if former != project_id else ()):
        if owner == project_id:
            _take(row, amounts, project_id)
        else:
            reservations.release(owner_id=former, each=amounts, consumer=row.id)


def _take(row: Volume, amounts: dict[str, int], project_id: str) -> None:
    consumer = quota_amounts.transfer_of(row.id)
    quotas.reserve(project_id=project_id, each=amounts, consumer=consumer)
    reservations.commit(consumers=[consumer])


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _set_status(row: Volume, status: str) -> None:
    Volume.objects.filter(id=row.id).update(status=status, updated_at=timezone.now())
