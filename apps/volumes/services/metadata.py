"""Metadata of volumes and snapshots: read, changed and written under the row's lock, so that no key is lost."""

import hashlib
import json
import uuid
from collections.abc import Callable, Collection
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from apps.common.exceptions import NotFound
from apps.volumes import exceptions, locks
from apps.volumes.models import Snapshot, Volume

Items = dict[str, str]
Edit = Callable[[Items], Items]
MAX_ITEMS = 128  # of one volume or snapshot
Row = TypeVar("Row", Volume, Snapshot)


def etag(row: Volume | Snapshot) -> str:
    """Return a word that changes with what a row shows as its metadata."""
    shown = json.dumps([row.metadata, getattr(row, "read_only", False)], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:32]


def add(row: Row, items: Items, *, only_at: Collection[str] = ()) -> Items:
    """Add or replace items, and return all. ``only_at``: the ETags that the caller has read, if it says so.

    Raises OverLimit (413), NotFound (404), MetadataChanged (412).
    """
    return _change(row, lambda old: {**old, **items}, only_at)


def replace(row: Row, items: Items, *, only_at: Collection[str] = ()) -> Items:
    """Replace all items. Raises OverLimit (413), NotFound (404), MetadataChanged (412)."""
    return _change(row, lambda old: dict(items), only_at)


def remove(row: Row, key: str) -> Items:
    """Remove one item. Raises VolumeMetadataNotFound and SnapshotMetadataNotFound (404)."""
    return _change(row, lambda old: _without(old, key, not_found(row, key)))


def not_found(row: Volume | Snapshot, key: str) -> NotFound:
    """Return the refusal for a key that the row does not have."""
    if isinstance(row, Volume):
        return exceptions.VolumeMetadataNotFound(volume=row.id, key=key[:255])
    return exceptions.SnapshotMetadataNotFound(snapshot=row.id, key=key[:255])


@transaction.atomic
def add_of_image(*, volume: Volume, items: Items) -> Items:
    """Add or replace what the volume says of its image. Raises OverLimit (413), VolumeNotFound (404)."""
    row = _locked_volume(volume.id)
    merged = _checked({**row.image_metadata, **items})
    Volume.objects.filter(id=row.id).update(image_metadata=merged, updated_at=timezone.now())
    return merged


@transaction.atomic
def remove_of_image(*, volume: Volume, key: str) -> None:
    """Raises ImageMetadataNotFound and VolumeNotFound (404)."""
    row = _locked_volume(volume.id)
    refusal = exceptions.ImageMetadataNotFound(volume=row.id, key=key[:255])
    rest = _without(row.image_metadata, key, refusal)
    Volume.objects.filter(id=row.id).update(image_metadata=rest, updated_at=timezone.now())


@transaction.atomic
def _change(row: Row, edit: Edit, only_at: Collection[str] = ()) -> Items:
    current = _locked_volume(row.id) if isinstance(row, Volume) else _locked_snapshot(row.id)
    if only_at and not {etag(current), "*"} & set(only_at):
        raise exceptions.MetadataChanged
    metadata = _checked(edit(current.metadata))
    type(row)._default_manager.filter(id=row.id).update(metadata=metadata, updated_at=timezone.now())
    return metadata


def _without(items: Items, key: str, refusal: NotFound) -> Items:
    if key not in items:
        raise refusal
    return {name: value for name, value in items.items() if name != key}


def _checked(items: Items) -> Items:
    if len(items) > MAX_ITEMS:
        raise exceptions.OverLimit(f"Maximum number of metadata items exceeds {MAX_ITEMS}.")
    return items


def _locked_volume(volume_id: uuid.UUID) -> Volume:
    row = locks.volume(volume_id)
    if row is None:
        raise exceptions.VolumeNotFound(volume=volume_id)
    return row


def _locked_snapshot(snapshot_id: uuid.UUID) -> Snapshot:
    row = locks.snapshot(snapshot_id)
    if row is None:
        raise exceptions.SnapshotNotFound(snapshot=snapshot_id)
    return row
