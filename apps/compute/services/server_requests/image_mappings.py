"""Disks that an image prescribes (block_device_mapping with bdm_v2): those of the server that it is an image of.

Anybody writes an image's properties: every value is checked as one of a request is, and what it names is read with the
caller's rights.
"""

import json
import re
from typing import TYPE_CHECKING, Any

from apps.common.identifiers import parse_uuid
from apps.compute import image_properties
from apps.compute.exceptions import ImageUnusable
from apps.compute.services.server_requests import image as images

if TYPE_CHECKING:
    from apps.images.models import Image

MAX_MAPPINGS = 64
_TEXT, _TAG = re.compile(r"[^\x00]{0,255}"), re.compile(r"[^,/\x00]{1,60}")
_SOURCES = {"snapshot": ("volume", "snapshot_id"), "volume": ("volume", "volume_id"), "image": ("volume", "image_id")}
_BUSES = ("virtio", "scsi", "sata", "ide")
_FORMATS = (None, "", "swap", "ext4")


def merged(values: dict[str, Any], image: "Image") -> dict[str, Any]:
    """Return the request with the image's disks before its own (nova/compute/api.py, _check_and_transform_bdm).

    A root disk that the image prescribes replaces the one that clients ask for of the image itself. What the request
    names by its device (``device_name``) takes the place of the image's, or leaves it out (``no_device``). Raises
    ImageUnusable (400).
    """
    text = str(image.properties.get(image_properties.MAPPING) or "")
    if text in ("", "[]", "None"):
        return values
    if not image_properties.truth(image.properties.get(image_properties.MAPPING_SYNTAX, "")):
        raise _unusable(image, "is used with bdm_v2=true alone")
    overridden = values.get("device_names") or ()
    checked = [(_name(row), _mapping(image, row)) for row in _rows(image, text)]
    prescribed = [row for name, row in checked if name not in overridden]
    own = values.get("block_device_mapping_v2") or []
    if any(row["boot_index"] == 0 for row in prescribed):
        own = [row for row in own if not _is_root_of_image(row)]
    return {**values, "block_device_mapping_v2": [*prescribed, *own]}


def properties_of(image: "Image") -> dict[str, str]:
    """Return the properties of an image that prescribes the root disk. Raises ImageUnusable (400)."""
    mine = (image_properties.MAPPING, image_properties.MAPPING_SYNTAX)
    return {name: value for name, value in images.properties_of(image).items() if name not in mine}


def _is_root_of_image(row: dict[str, Any]) -> bool:
    return row["source_type"] == "image" and row["destination_type"] == "local" and row.get("boot_index") == 0


def _rows(image: "Image", text: str) -> list[Any]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        rows = None
    if not isinstance(rows, list) or len(rows) > MAX_MAPPINGS:
        raise _unusable(image, f"is a JSON list of at most {MAX_MAPPINGS} disks")
    return rows


def _name(row: Any) -> str:
    return str(row.get("device_name") or "").removeprefix("/dev/") if isinstance(row, dict) else ""


def _mapping(image: "Image", row: Any) -> dict[str, Any]:
    """Return a disk as the serializer of requests gives it."""
    if not isinstance(row, dict):
        raise _unusable(image, "has a disk that is no object")
    source, size, index = row.get("source_type"), row.get("volume_size"), row.get("boot_index")
    destination, key = ("local", "") if source == "blank" else _SOURCES.get(str(source), ("", ""))
    if not destination or row.get("destination_type", destination) not in (destination, "volume"):
        raise _unusable(image, "has a disk of another source_type or destination_type than servers have")
    where = row.get("destination_type") or destination
    named = parse_uuid(row.get(key)) if key else None
    texts = {name: row.get(name) for name in ("tag", "volume_type", "guest_format", "disk_bus")}
    if not all(value is None or (isinstance(value, str) and _TEXT.fullmatch(value)) for value in texts.values()):
        raise _unusable(image, "has a disk with an invalid tag, volume_type, guest_format or disk_bus")
    if texts["tag"] and not _TAG.fullmatch(texts["tag"]):
        raise _unusable(image, "has a disk with an invalid tag, volume_type, guest_format or disk_bus")
    if (
        (key and named is None)
        or not _is_number(size, 1, 1 << 20)
        or not _is_number(index, -1, MAX_MAPPINGS)
        or texts["disk_bus"] not in (None, *_BUSES)
        or texts["guest_format"] not in _FORMATS
        or row.get("device_type") not in (None, "disk", "cdrom")
        or (row.get("device_type") == "cdrom" and (where != "volume" or texts["disk_bus"] == "virtio"))
    ):
        raise _unusable(image, "has a disk that no server of this cloud can have")
    return {
        **texts, "source_type": source, "destination_type": where,
        "uuid": str(named) if named else None, "volume_size": size, "boot_index": index,
        "delete_on_termination": row.get("delete_on_termination") is True, "device_type": row.get("device_type"),
    }  # fmt: skip


def _is_number(value: Any, least: int, most: int) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and least <= value <= most)


def _unusable(image: "Image", reason: str) -> ImageUnusable:
    return ImageUnusable(f"Image {image.id} cannot be booted: its property block_device_mapping {reason}.")
