"""Snapshots of volumes in use that others ask the compute service for (os-assisted-volume-snapshots).

The volume service makes all snapshots by itself, also of volumes in use. One that it has, or makes, is left to it.
"""

import uuid
from typing import TYPE_CHECKING

from apps.common.context import RequestContext
from apps.common.exceptions import NotFound
from apps.compute.exceptions import VolumeOfNoServer
from apps.compute.selectors import volume_attachments
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
    """Begin to delete the volume's snapshot. Absent is success. Raises VolumeOfNoServer (400)."""
    volume = _volume(context, volume_id)
    try:
        snapshot = selectors.get(context=context, snapshot_id=snapshot_id)
    except NotFound:
        return
    if snapshot.volume_id == volume.id:
        snapshots.delete(context=context, snapshot=snapshot)


def _volume(context: RequestContext, volume_id: uuid.UUID) -> "Volume":
    """Return a volume that a server has."""
    try:
        volume = volumes.get(context=context, volume_id=volume_id)
    except NotFound:
        raise VolumeOfNoServer(volume=volume_id) from None
    if not volume_attachments.is_on_server(volume_id=volume.id):
        raise VolumeOfNoServer(volume=volume_id)
    return volume
