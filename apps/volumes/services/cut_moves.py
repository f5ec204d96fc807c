"""Ends of moves that no run ends: the server's host says which copy the guest has, see ``volume_migrations``."""

import uuid

from django.db import transaction

from apps.quotas.services import reservations
from apps.volumes import states
from apps.volumes.models import Attachment, Volume
from apps.volumes.selectors import quota_amounts
from apps.volumes.services import attached_migrations, volume_migrations, volume_states

UNDECIDED = (
    "Its server was deleted while its host was out of reach, which alone knows the newer of the volume's two copies."
)


@transaction.atomic
def abandon(*, volume: Volume) -> None:
    """The server of a volume that moves is deleted: the volume stays where it is. The target's host clears up.

    Where nobody could ask the server's host which copy the guest had, both are kept until that host is back. One that
    does not move is left alone.
    """
    if volume.migration_status not in states.MOVING:
        return
    if not attached_migrations.is_undecided(volume_id=volume.id):
        stay(volume_id=volume.id, message="Its server was deleted.")
    elif volume_states.move(volume_id=volume.id, status=states.ERROR, before=volume_migrations.BUSY, error=UNDECIDED):
        volume_states.tell(volume_id=volume.id, event="migrate volume", message=UNDECIDED)
        reservations.cancel(consumers=[quota_amounts.transfer_of(volume.id)])


@transaction.atomic
def stay(*, volume_id: uuid.UUID, message: str) -> None:
    """The volume stays where it is, and nobody opens anything at the target. Repeated, it changes nothing."""
    undecided = _undecided(volume_id)
    volume_migrations.release_target(volume_id=volume_id)
    Attachment.objects.filter(volume_id=volume_id, at_target=True).delete()
    volume_migrations.mark_failed(volume_id=volume_id, message=message)
    volume_states.restore(volume_id=volume_id, before=undecided)


@transaction.atomic
def mark_found(*, volume_id: uuid.UUID) -> None:
    """The volume is where its server's host found it, of its former type, and may be used."""
    volume_states.restore(volume_id=volume_id, before=(*volume_migrations.BUSY, *_undecided(volume_id)))
    Volume.objects.filter(id=volume_id).update(migration_status=states.SUCCESS, error="")
    reservations.cancel(consumers=[quota_amounts.transfer_of(volume_id)])


def _undecided(volume_id: uuid.UUID) -> tuple[str, ...]:
    """Return the status of a volume that ``abandon`` has left in error."""
    is_left = Volume.objects.filter(id=volume_id, status=states.ERROR, error=UNDECIDED).exists()
    return (states.ERROR,) if is_left else ()
