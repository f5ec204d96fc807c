"""The volumes that a request for a server names: there already, or made by the server's build."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.compute import image_properties
from apps.compute.exceptions import ImageUnusable
from apps.compute.models import Flavor
from apps.volumes.selectors import server_volumes, volumes
from apps.volumes.services import volume_requests

if TYPE_CHECKING:
    from apps.volumes.models import Volume

INVALID = "Block Device Mapping is Invalid: {}"
_SOURCES = {"image": "imageRef", "snapshot": "snapshot_id"}
_DESCRIBES_IMAGE = (*volume_requests.IMAGE_ATTRIBUTES, "image_id", "image_name")
ROOT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedVolume:
    """``volume`` is the one that is named, or the unsaved row of one that the build makes. ``boot_index`` 0: the root.

    ``bus`` "": the image's. ``is_disc``: in a CD-ROM drive.
    """

    volume: "Volume"
    source_type: str
    source_id: uuid.UUID | None = None
    boot_index: int | None = None
    delete_on_termination: bool = False
    tag: str = ""
    bus: str = ""
    is_disc: bool = False

    @property
    def is_new(self) -> bool:
        return self.source_type != "volume"


def resolve(context: RequestContext, values: Mapping[str, Any]) -> list[RequestedVolume]:
    """Return the volumes in the order of the mappings. Raises BadRequest (400), also for what is not the caller's."""
    mappings = [row for row in values.get("block_device_mapping_v2") or [] if row["destination_type"] == "volume"]
    requested = [_resolve(context, mapping, values) for mapping in mappings]
    existing = [row.volume for row in requested if not row.is_new]
    if len({volume.id for volume in existing}) < len(existing):
        raise BadRequest(INVALID.format("a volume is named twice."))
    if values["max_count"] > 1 and any(not volume.multiattach for volume in existing):
        raise BadRequest("Cannot attach one or more volumes to multiple instances")
    if len(server_volumes.source_hosts(volumes=[row.volume for row in requested if row.is_new])) > 1:
        raise BadRequest(INVALID.format("what its volumes are to be made of is on different hosts."))
    return requested


def _resolve(context: RequestContext, mapping: Mapping[str, Any], values: Mapping[str, Any]) -> RequestedVolume:
    source, key = mapping["source_type"], mapping.get("uuid")
    boot_index = mapping.get("boot_index")
    boot_index = None if boot_index is None or boot_index < 0 else boot_index
    volume = _named(context, key) if source == "volume" else _new(context, mapping, values)
    if boot_index == ROOT and not volume.bootable and source not in ("image", "blank"):
        raise BadRequest(INVALID.format(f"Block Device {key or 'blank'} is not bootable."))
    return RequestedVolume(
        volume=volume,
        source_type=source,
        source_id=uuid.UUID(key) if key else None,
        boot_index=boot_index,
        delete_on_termination=bool(mapping.get("delete_on_termination")),
        tag=mapping.get("tag") or "",
        bus=mapping.get("disk_bus") or "",
        is_disc=mapping.get("device_type") == "cdrom",
    )


def _named(context: RequestContext, key: str | None) -> "Volume":
    try:
        volume = volumes.get(context=context, volume_id=key)
    except NotFound:
        raise BadRequest(INVALID.format(f"failed to get volume {key}.")) from None
    if volume.project_id != context.project_id:
        raise BadRequest(INVALID.format(f"failed to get volume {key}."))
    return volume


def _new(context: RequestContext, mapping: Mapping[str, Any], values: Mapping[str, Any]) -> "Volume":
    source, key, size = mapping["source_type"], mapping.get("uuid"), mapping.get("volume_size")
    if source == "image" and not size:
        raise BadRequest(INVALID.format("Images with destination_type 'volume' need to have a non-zero size specified"))
    if source == "blank" and not size:
        raise BadRequest(INVALID.format("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size"))
    zone = (values.get("availability_zone") or "").split(":")[0]
    wanted = {"size": size, "volume_type": mapping.get("volume_type"), "availability_zone": zone or None}
    if source in _SOURCES:
        wanted[_SOURCES[source]] = key
    try:
        return volume_requests.resolve(context=context, values=wanted)
    except NotFound as error:
        what = "snapshot" if source == "snapshot" else "volume type"
        raise BadRequest(INVALID.format(f"failed to get {what}: {error.message}")) from None


def root_of(requested: Sequence[RequestedVolume]) -> RequestedVolume | None:
    return next((row for row in requested if row.boot_index == ROOT), None)


def image_columns(root: RequestedVolume, flavor: Flavor) -> dict[str, Any]:
    """Return what the server's row keeps of the image that its root volume was made from.

    Raises ImageUnusable (400) for a flavor with too little memory.
    """
    described = root.volume.image_metadata
    min_ram = int(described.get("min_ram") or 0)
    if flavor.ram_mib < min_ram:
        raise ImageUnusable(f"Flavor's memory is too small for requested image: {flavor.ram_mib} MiB < {min_ram} MiB.")
    properties = {name: str(value) for name, value in described.items() if name not in _DESCRIBES_IMAGE}
    image_properties.check(properties)
    return {"image_id": None, "image_properties": properties, "image_facts": {}}
