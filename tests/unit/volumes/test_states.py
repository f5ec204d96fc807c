"""The moves of volumes and snapshots, and what their last step does to quotas."""

import uuid
from typing import Any

import pytest

from apps.quotas.selectors import usages
from apps.quotas.services import reservations, verification
from apps.volumes import states
from apps.volumes.models import Attachment, Snapshot, Volume, VolumeType
from apps.volumes.selectors import quota_amounts
from apps.volumes.services import snapshot_states, volume_states

pytestmark = pytest.mark.django_db
PROJECT = "p"


def volume(**values: Any) -> Volume:
    """Return a volume that is being created, with its reservations."""
    kind, _ = VolumeType.objects.get_or_create(name="fast")
    row = Volume.objects.create(project_id=PROJECT, user_id="u", size=2, volume_type=kind, **values)
    reservations.reserve(owner_id=PROJECT, each=quota_amounts.of_volume(row), consumers=[row.id])
    return row


def used() -> dict[str, tuple[int, int]]:
    return {
        name.partition(":")[0] + ":" * (":" in name): pair for name, pair in usages.of_owner(owner_id=PROJECT).items()
    }


def status(row: Volume | Snapshot) -> str:
    row.refresh_from_db()
    return row.status


@pytest.mark.parametrize(
    ("moves", "statuses", "final"),
    [
        (states.VOLUME_MOVES, states.VOLUME_STATUSES, states.DELETED),
        (states.SNAPSHOT_MOVES, states.SNAPSHOT_STATUSES, states.DELETED),
    ],
)
def test_tables_of_moves_are_complete(moves: dict[str, tuple[str, ...]], statuses: tuple[str, ...], final: str) -> None:
    assert set(moves) == set(statuses)
    assert all(set(before) <= set(statuses) - {final} for before in moves.values())
    assert all(busy in moves[busy] for busy in statuses if busy in states.BUSY)  # a step may be repeated


def test_creation_extension_and_deletion_keep_the_quota() -> None:
    row = volume()
    assert used() == {"volumes": (0, 1), "gigabytes": (0, 2), "volumes:": (0, 1), "gigabytes:": (0, 2)}
    assert volume_states.mark_available(volume_id=row.id, image_metadata={"image_name": "tiny"})
    row.refresh_from_db()
    assert (row.status, row.bootable, row.launched_at is not None) == (states.AVAILABLE, True, True)
    assert used()["gigabytes"] == (2, 0)
    for failed, size in ((True, 2), (False, 5)):
        extra = quota_amounts.of_extension(row, 5)
        reservations.reserve(owner_id=PROJECT, each=extra, consumers=[row.id])
        assert volume_states.move(volume_id=row.id, status=states.EXTENDING)
        assert not verification.verify()
        if failed:
            assert volume_states.mark_extend_failed(volume_id=row.id, message="No room.", intact=True)
        else:
            assert volume_states.mark_extended(volume_id=row.id, new_size=5)
        assert (status(row), row.size) == (states.AVAILABLE, size)
        assert used()["gigabytes:"] == (size, 0)
    Attachment.objects.create(volume=row, server_id=uuid.uuid4())
    volume_states.mark_deleted(volume_id=row.id)
    volume_states.mark_deleted(volume_id=row.id)
    assert status(row) == states.DELETED and not row.attachments.exists()
    assert set(used().values()) == {(0, 0)}
    assert not verification.verify()


def test_a_deleted_volume_gives_back_an_open_extension() -> None:
    row = volume()
    volume_states.mark_available(volume_id=row.id)
    extra = quota_amounts.of_extension(row, 9)
    reservations.reserve(owner_id=PROJECT, each=extra, consumers=[row.id])
    volume_states.move(volume_id=row.id, status=states.EXTENDING)
    volume_states.mark_deleted(volume_id=row.id)
    assert set(used().values()) == {(0, 0)}


def test_a_task_ends_in_use_where_a_server_has_the_volume() -> None:
    row = volume()
    volume_states.mark_available(volume_id=row.id)
    Attachment.objects.create(volume=row, server_id=uuid.uuid4(), status=states.ATTACHED)
    Volume.objects.filter(id=row.id).update(status=states.EXTENDING)
    assert volume_states.restore(volume_id=row.id, before=(states.EXTENDING,)) == states.IN_USE
    assert volume_states.restore(volume_id=row.id, before=(states.EXTENDING,)) is None


def test_illegal_moves_change_nothing() -> None:
    row = volume()
    assert volume_states.begin(volume_id=row.id, status=states.EXTENDING) is None
    assert not volume_states.move(volume_id=row.id, status=states.ATTACHING)
    assert status(row) == states.CREATING
    assert volume_states.mark_error(volume_id=row.id, message="The host is full.")
    assert not volume_states.mark_available(volume_id=row.id)
    row.refresh_from_db()
    assert (row.status, row.error) == (states.ERROR, "The host is full.")
    begun = volume_states.begin(volume_id=row.id, status=states.DELETING)
    assert begun is not None and begun.status == states.DELETING
    assert volume_states.mark_delete_failed(volume_id=row.id, message="The host does not answer.")
    assert status(row) == states.ERROR_DELETING


def test_snapshots_keep_the_quota() -> None:
    row = volume()
    volume_states.mark_available(volume_id=row.id)
    snapshot = Snapshot.objects.create(volume=row, project_id=PROJECT, user_id="u", size=2)
    reservations.reserve(owner_id=PROJECT, each=quota_amounts.of_snapshot(snapshot), consumers=[snapshot.id])
    assert used()["snapshots:"] == (0, 1)
    assert snapshot_states.mark_available(snapshot_id=snapshot.id)
    assert used()["gigabytes"] == (4, 0)
    assert not verification.verify()
    begun = snapshot_states.begin(snapshot_id=snapshot.id, status=states.DELETING)
    assert begun is not None and begun.status == states.DELETING
    snapshot_states.mark_deleted(snapshot_id=snapshot.id)
    snapshot_states.mark_deleted(snapshot_id=snapshot.id)
    assert used()["snapshots"] == (0, 0) and used()["gigabytes"] == (2, 0)
    assert not verification.verify()


def test_an_operators_limit_of_a_type_holds() -> None:
    from apps.quotas.exceptions import QuotaExceeded
    from apps.quotas.services import limits

    kind = VolumeType.objects.create(name="slow")
    row = Volume(project_id=PROJECT, user_id="u", size=2, volume_type=kind)
    limits.set_many(owner_id=PROJECT, values={quota_amounts.of_type("gigabytes", kind.id): 3})
    reservations.reserve(owner_id=PROJECT, each=quota_amounts.of_volume(row), consumers=[row.id])
    with pytest.raises(QuotaExceeded, match="gigabytes:"):
        reservations.reserve(owner_id=PROJECT, each=quota_amounts.of_volume(row), consumers=[uuid.uuid4()])
