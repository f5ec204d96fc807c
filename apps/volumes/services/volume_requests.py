"""What a new volume is made of: its source, size, type and zone, checked before anything is written."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.common.identifiers import parse_uuid
from apps.images.selectors import images
from apps.scheduling.selectors import hosts
from apps.volumes import exceptions, states
from apps.volumes.models import Snapshot, Volume, VolumeType
from apps.volumes.selectors import backends, backups, pools, snapshots, volume_types, volumes
from apps.volumes.selectors import volume_keys as key_selectors
from apps.volumes.services import backup_states, volume_keys
from apps.volumes.services import volumes as volume_services

if TYPE_CHECKING:
    from apps.images.models import Image

GIB = 1024**3
CLONED_IN = (states.AVAILABLE, states.IN_USE)
# Properties of images that say where their data is, not what it is.
_OF_STORES = ("os_hash_", "os_hidden", "os_glance_", "owner_specified.", volume_keys.KEY_PREFIX)
IMAGE_ATTRIBUTES = ("checksum", "container_format", "disk_format", "min_disk", "min_ram", "size")


def resolve(*, context: RequestContext, values: dict[str, Any]) -> Volume:
    """Return the unsaved row of a new volume.

    Raises BadRequest (400), VolumeNotFound, SnapshotNotFound and VolumeTypeNotFound (404), InvalidVolume and
    InvalidSnapshot (400).
    """
    sources = [name for name in ("imageRef", "snapshot_id", "source_volid", "backup_id") if values.get(name)]
    if len(sources) > 1:
        raise exceptions.InvalidInput(reason=f"a volume has one source: {' or '.join(sources)}")
    volume = Volume(
        project_id=str(context.project_id),
        user_id=context.user_id or "",
        name=values.get("name") or "",
        description=values.get("description"),
        size=values.get("size") or 0,
        metadata=values.get("metadata") or {},
        scheduler_hints=values.get("hints") or {},
    )
    _READERS[sources[0] if sources else ""](context, volume, values)
    if not volume.size:
        raise exceptions.InvalidInput(reason="Volume size must be a positive integer")
    _set_type(context, volume, values)
    _set_zone(volume, values.get("availability_zone"))
    return volume


def _empty(context: RequestContext, volume: Volume, values: dict[str, Any]) -> None:
    """An empty volume has its request's size."""


def _from_image(context: RequestContext, volume: Volume, values: dict[str, Any]) -> None:
    image = usable_image(context, values["imageRef"])
    if not image.size and not values.get("needs_data"):
        return _from_snapshot(context, volume, {"snapshot_id": _root_snapshot(image)})
    if not image.size:
        raise BadRequest(f"Image {image.id} has no data: volumes are made of the snapshots it names since 3.46.")
    if not volume.size:
        raise exceptions.InvalidInput(reason="Volume size must be a positive integer")
    volume.encrypted = key_selectors.of_image(image_id=image.id) is not None
    check_fits(image, volume.size, has_header=volume.encrypted)
    volume.source_image_id = image.id
    volume.image_metadata = of_image(image)


def check_fits(image: "Image", size: int, *, has_header: bool = False) -> None:
    """Raise InvalidInput (400) for an image that needs more than ``size`` GiB. An encrypted one has a header beside."""
    needed = max(image.size or 0, image.virtual_size or 0)
    smallest = needed // GIB if has_header else -(-needed // GIB)
    if size < smallest:
        raise exceptions.InvalidInput(
            reason=f"Size of specified image {smallest}GB is larger than volume size {size}GB."
        )
    if size < image.min_disk:
        raise exceptions.InvalidInput(
            reason=f"Volume size {size}GB cannot be smaller than the image minDisk size {image.min_disk}GB."
        )


def _root_snapshot(image: "Image") -> str:
    """Return the ID of the snapshot that an image without data names for the root disk. Raises BadRequest (400).

    Anybody writes an image's properties: what is named is read with the caller's rights.
    """
    try:
        rows = json.loads(str(image.properties.get("block_device_mapping") or ""))
    except (ValueError, RecursionError):
        rows = None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("boot_index") == 0 and parse_uuid(row.get("snapshot_id")):
            return str(row["snapshot_id"])
    raise BadRequest(f"Image {image.id} has no data, and names no snapshot of a root disk.")


def usable_image(context: RequestContext, key: Any) -> "Image":
    """Return an active image that the caller may use. Raises BadRequest (400), as Cinder does for all it refuses."""
    image_id = parse_uuid(key)
    try:
        image = images.get_visible(context=context, image_id=image_id) if image_id else None
    except NotFound:
        image = None
    if image is None:
        raise BadRequest("Invalid image identifier or unable to access requested image.")
    if image.status != "active":
        raise BadRequest(f"Image {image.id} is not active.")
    return image


def of_image(image: "Image") -> dict[str, str]:
    """Return what volumes show of the image that they were made from (volume_image_metadata)."""
    shown = {name: value for name in IMAGE_ATTRIBUTES if (value := getattr(image, name)) is not None}
    properties = {name: value for name, value in image.properties.items() if not name.startswith(_OF_STORES)}
    document = {**properties, **shown, "image_id": image.id, "image_name": image.name or ""}
    return {name: str(value) for name, value in document.items()}


def _from_snapshot(context: RequestContext, volume: Volume, values: dict[str, Any]) -> None:
    snapshot = snapshots.get(context=context, snapshot_id=values["snapshot_id"])
    if snapshot.status != states.AVAILABLE:
        raise exceptions.InvalidSnapshot(
            reason=f"Originating snapshot status must be one of '{states.AVAILABLE}' values, not '{snapshot.status}'"
        )
    _set_size(volume, snapshot.size, "snapshot")
    volume.source_snapshot_id = snapshot.id
    _inherit(volume, snapshot.volume)


def _from_volume(context: RequestContext, volume: Volume, values: dict[str, Any]) -> None:
    source = volumes.get(context=context, volume_id=values["source_volid"])
    if source.status not in CLONED_IN:
        raise exceptions.InvalidVolume(
            reason=f"Unable to create volume from source volume {source.id}: it is {source.status}, and it must be "
            f"{' or '.join(CLONED_IN)}"
        )
    volume_services.check_copied_in_use(source)
    _set_size(volume, source.size, "source volume")
    volume.source_volume_id = source.id
    _inherit(volume, source)


def _from_backup(context: RequestContext, volume: Volume, values: dict[str, Any]) -> None:
    """What the volume said of itself comes back with its data, unless the request says otherwise."""
    backup = backups.get(context=context, backup_id=values["backup_id"])
    backup_states.check_restorable(backup)
    _set_size(volume, backup.size, "backup")
    volume.source_backup_id = backup.id
    facts = backup.volume_facts
    volume.metadata = volume.metadata or facts.get("metadata", {})
    volume.bootable, volume.image_metadata = facts.get("bootable", False), facts.get("image_metadata", {})
    volume.encrypted = key_selectors.of_backup(backup_id=backup.id) is not None
    if volume.encrypted and not values.get("volume_type"):
        volume.volume_type = volume_types.load(type_id=facts.get("volume_type"))


def _set_size(volume: Volume, smallest: int, what: str) -> None:
    volume.size = volume.size or smallest
    if volume.size < smallest:
        raise exceptions.InvalidInput(
            reason=f"Volume size '{volume.size}'GB cannot be smaller than the {what} size {smallest}GB. They must be "
            f">= original {what} size."
        )


def _inherit(volume: Volume, source: Volume) -> None:
    """What was copied is bootable, and of the same type and zone, unless the request says otherwise."""
    volume.bootable, volume.image_metadata, volume.encrypted = source.bootable, source.image_metadata, source.encrypted
    volume.volume_type_id, volume.availability_zone = source.volume_type_id, source.availability_zone
    volume.backend = source.backend


_READERS = {"": _empty, "imageRef": _from_image, "snapshot_id": _from_snapshot, "source_volid": _from_volume,
            "backup_id": _from_backup}  # fmt: skip


def _set_type(context: RequestContext, volume: Volume, values: dict[str, Any]) -> None:
    """Choose the type: the request's, the source's, the default one. It says which back end, and how many servers."""
    wanted = values.get("volume_type")
    chosen: VolumeType | None
    if wanted:
        chosen = volume_types.get(context=context, key=wanted)
        if volume.volume_type_id is not None and chosen.id != volume.volume_type_id:
            _check_same_backend(volume, chosen)
    else:
        chosen = volume.volume_type or volume_types.default(project_id=volume.project_id)
    volume.volume_type = chosen
    volume.multiattach = volume_types.allows_multiattach(chosen)
    is_encrypted = volume_keys.check_type(chosen, multiattach=volume.multiattach)
    if what := _copied(volume):
        volume_keys.check_copy(is_source=volume.encrypted, is_copy=is_encrypted, what=what)
    volume.encrypted = is_encrypted
    if not is_copied_in_place(volume):  # a copy is made where its source is
        volume.backend = volume_types.backend_of(chosen) or next(iter(backends.of_type(chosen)), pools.default())
    volume.format = pools.format_of(backend=volume.backend, multiattach=volume.multiattach)


def is_copied_in_place(volume: Volume) -> bool:
    """Return whether the volume is made of another one, or of a snapshot: on the back end that has that."""
    return volume.source_snapshot_id is not None or volume.source_volume_id is not None


def _copied(volume: Volume) -> str:
    """Return the word for what the new volume is a copy of; "" if it is none."""
    container = volume.source_image_id if volume.encrypted else None
    sources = {"snapshot": volume.source_snapshot_id, "source volume": volume.source_volume_id,
               "backup": volume.source_backup_id, "image": container}  # fmt: skip
    return next((word for word, key in sources.items() if key is not None), "")


def _check_same_backend(volume: Volume, chosen: VolumeType) -> None:
    if volume.backend not in backends.of_type(chosen):
        raise exceptions.InvalidInput(
            reason="Invalid volume_type provided: it must be on the back end of the volume or snapshot that is copied"
        )


def _set_zone(volume: Volume, wanted: str | None) -> None:
    if wanted:
        if not hosts.zone_exists(zone=wanted):
            raise exceptions.InvalidInput(reason=f"Availability zone '{wanted[:64]}' is invalid.")
        if volume.availability_zone not in ("", wanted):
            raise exceptions.InvalidInput(
                reason=f"Invalid availability zone '{wanted[:64]}': the copy of a volume stays in its zone"
            )
        volume.availability_zone = wanted
    zones = volume_types.zones_of(volume.volume_type)
    there = [zone for zone in zones if hosts.zone_exists(zone=zone)]
    if zones and (not there or volume.availability_zone not in ("", *there)):
        raise exceptions.InvalidTypeZones(zones=", ".join(zones)[:255])
    usual = settings.DEFAULT_ZONE
    volume.availability_zone = volume.availability_zone or (usual if not there or usual in there else there[0])


def snapshot_of(*, context: RequestContext, volume: Volume, values: dict[str, Any]) -> Snapshot:
    """Return the unsaved row of a new snapshot."""
    return Snapshot(
        id=values.get("id") or uuid.uuid4(),
        volume=volume,
        project_id=volume.project_id,
        user_id=context.user_id or "",
        name=values.get("name") or "",
        description=values.get("description"),
        size=values.get("size") or volume.size,
        group_snapshot=values.get("group_snapshot"),
        metadata=values.get("metadata") or {},
    )
