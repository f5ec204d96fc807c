"""Snapshots of volumes in use that others ask the compute service for (os-assisted-volume-snapshots).

The volume service makes all snapshots by itself, also of volumes in use. One that it has, or makes, is left to it.
"""

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from apps.common.context import RequestContext
from apps.common.exceptions import NotFound
from apps.compute.exceptions import VolumeOfNoServer
from apps.compute.selectors import volume_attachments
from apps.compute.services import device_changes
from apps.volumes import states
from apps.volumes.exceptions import InvalidSnapshot
from apps.volumes.selectors import snapshots as selectors
from apps.volumes.selectors import volumes
from apps.volumes.services import snapshots

if TYPE_CHECKING:
    from apps.volumes.models import Volume


def create(*, context: RequestContext, volume_id: uuid.UUID, snapshot_id: uuid.UUID) -> None:
    """Begin a snapshot with this ID. Raises VolumeOfNoServer (400), and what the volume service says."""
    volume = _volume(context, volume_id)
    if selectors.load(snapshot_id=snapshot_id) is None:
        snapshots.create(context=context, volume=volume, values={"id": snapshot_id}, attached_too=True)


def delete(*, context: RequestContext, volume_id: uuid.UUID, snapshot_id: str) -> None:
    """Begin to delete the volume's snapshot, once it is made. Absent is success. Raises VolumeOfNoServer (400)."""
    volume = _volume(context, volume_id)

    status = ""

    def work() -> None:
        nonlocal status
        with suppress(NotFound):
            snapshot = selectors.get(context=context, snapshot_id=snapshot_id)
            status = snapshot.status
            if snapshot.volume_id == volume.id:
                snapshots.delete(context=context, snapshot=snapshot)

    device_changes.when_free(work, InvalidSnapshot, lambda _: status == states.CREATING)


def _volume(context: RequestContext, volume_id: uuid.UUID) -> "Volume":
    """Return a volume that a server has."""
    try:
        volume = volumes.get(context=context, volume_id=volume_id)
    except NotFound:
        raise VolumeOfNoServer(volume=volume_id) from None
    if not volume_attachments.is_on_server(volume_id=volume.id):
        raise VolumeOfNoServer(volume=volume_id)
    return volume
