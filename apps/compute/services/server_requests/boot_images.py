"""The kernel and the ramdisk of an image that has them apart (AMI): two further images, which its properties name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.common.context import RequestContext
from apps.common.exceptions import NotFound
from apps.common.identifiers import parse_uuid
from apps.compute.exceptions import ImageUnusable
from apps.images.selectors import images

if TYPE_CHECKING:
    from apps.images.models import Image

NO_KERNEL = ("", "None", "nokernel")  # the last is Nova's word
_FORMATS = {"kernel": ("aki", "raw"), "ramdisk": ("ari", "raw")}
# MiB: they are copied for each server, in no quota, and QEMU reads them into the host's memory.
_MOST = {"kernel": 256, "ramdisk": 1024}


def facts_of(image: "Image") -> dict[str, Any]:
    """Return the image's data that hosts need. Sizes in bytes, ``min_disk`` in GiB."""
    return {
        "sha512": image.os_hash_value,
        "size": image.size,
        "disk_format": image.disk_format,
        "virtual_size": image.virtual_size,
        "min_disk": image.min_disk,
    }


def resolve(context: RequestContext, properties: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the facts of the kernel and the ramdisk that an image's properties name, by these words.

    Raises ImageUnusable (400) for one that the caller cannot see, or that cannot be booted.
    """
    chosen: dict[str, dict[str, Any]] = {}
    if properties.get("kernel_id", "") in NO_KERNEL:
        return chosen
    for part, formats in _FORMATS.items():
        name = f"{part}_id"
        if properties.get(name, "") not in NO_KERNEL:
            image = _image(context, name, properties[name], formats)
            if (image.size or 0) > _MOST[part] << 20:
                raise ImageUnusable(f"Image property {name}: that image has more than {_MOST[part]} MiB.")
            chosen[part] = {"image_id": str(image.id), **facts_of(image)}
    return chosen


def _image(context: RequestContext, name: str, value: str, formats: tuple[str, ...]) -> "Image":
    shown, key = f"Image property {name}={value[:64]}", parse_uuid(value)
    try:
        image = images.get_visible(context=context, image_id=key) if key is not None else None
    except NotFound:
        image = None
    if image is None:
        raise ImageUnusable(f"{shown}: Image {value[:64]} could not be found.")
    if image.status != "active" or not image.size:
        raise ImageUnusable(f"{shown}: that image is not active, or has no data.")
    if image.disk_format not in formats:
        raise ImageUnusable(
            f"{shown}: that image has the disk_format {image.disk_format}. It can be {' or '.join(formats)}."
        )
    return image
