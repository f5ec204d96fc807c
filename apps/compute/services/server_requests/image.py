"""The image of a new server: that it boots, that it fits the flavor, and the facts that hosts know it by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, NotFound
from apps.common.identifiers import parse_uuid
from apps.compute import image_properties
from apps.compute.exceptions import ImageUnusable
from apps.compute.models import Flavor, Server
from apps.compute.services.server_requests import boot_images
from apps.compute.services.server_requests.boot_images import facts_of
from apps.images.selectors import images
from apps.volumes.services import volume_keys

if TYPE_CHECKING:
    from apps.images.models import Image

GIB = 1024**3
BOOTABLE = ("qcow2", "raw", "vmdk", "vdi", "vhd", "vhdx", "iso", "ami")
DISC = "iso"
FIELD = "Invalid input for field/attribute imageRef"


def find(context: RequestContext, values: dict[str, Any]) -> "Image":
    """Return the image that a request names. Raises BadRequest (400)."""
    return _image(context, _id_of(values), FIELD)


def columns_of(context: RequestContext, ref: str, field: str, flavor: Flavor | None = None) -> dict[str, Any]:
    """Return what a row keeps of the image that ``ref`` names in ``field``: an id, or an old client's URL.

    It fits the flavor, if one is given. Raises BadRequest and ImageUnusable (400).
    """
    return columns(context, _image(context, ref.rstrip("/").rsplit("/", 1)[-1], field), flavor)


def columns(context: RequestContext, image: "Image", flavor: Flavor | None = None) -> dict[str, Any]:
    """Return what the server's row keeps of its image. Raises ImageUnusable (400)."""
    _check_bootable(image)
    if flavor is not None:
        _check_size(image, flavor)
    properties = properties_of(image)
    facts = {**facts_of(image), **boot_images.resolve(context, properties)}
    return {"image_id": image.id, "image_properties": properties, "image_facts": facts}


def properties_of(image: "Image") -> dict[str, str]:
    """Return the image's properties. Raises ImageUnusable (400) for one that is not offered."""
    properties = {key: str(value) for key, value in image.properties.items()}
    image_properties.check(properties)
    return properties


def _id_of(values: dict[str, Any]) -> str:
    """Return the id that imageRef names, or a block device mapping where that is empty."""
    ref = values.get("imageRef") or ""
    mappings = values.get("block_device_mapping_v2") or []
    ids = {row["uuid"] for row in mappings if row.get("uuid") and row["destination_type"] == "local"}
    if ids and ref and ids != {ref.rsplit("/", 1)[-1]}:
        raise BadRequest(
            "Invalid input for field/attribute block_device_mapping_v2: it names another image than imageRef."
        )
    chosen: str = ref.rstrip("/").rsplit("/", 1)[-1] or (ids.pop() if ids else "")
    if not chosen:
        raise BadRequest(f"{FIELD}: an image is required.")
    return chosen


def _image(context: RequestContext, image_id: str, field: str) -> "Image":
    key = parse_uuid(image_id)
    if key is None:
        raise BadRequest(f"{field}: '{image_id[:64]}' is not a 'uuid'")
    try:
        return images.get_visible(context=context, image_id=key)
    except NotFound as error:
        raise BadRequest(f"{field}: Image {key} could not be found.") from error


def _check_bootable(image: "Image") -> None:
    if image.status != "active":
        raise ImageUnusable(f"Image {image.id} is not active: it is {image.status}.")
    if image.disk_format not in BOOTABLE:
        raise ImageUnusable(
            f"Image {image.id} cannot be booted: its disk_format is {image.disk_format}. "
            f"Servers boot from {', '.join(BOOTABLE)}; convert the image first."
        )
    if image.size == 0:
        raise ImageUnusable(f"Image {image.id} cannot be booted: it has no data.")
    if image.properties.get(volume_keys.KEY_PROPERTY):
        raise ImageUnusable(
            f"Image {image.id} is unacceptable: Direct booting of an image uploaded from an encrypted volume is "
            "unsupported."
        )


def check_flavor(server: Server, flavor: Flavor) -> None:
    """Check that a flavor has room for a server's image; a deleted one is known by what the server keeps of it.

    Raises ImageUnusable (400).
    """
    if server.image_id is None:
        return
    image = images.live().filter(id=server.image_id).first()
    facts = server.image_facts if image is None else facts_of(image)
    _check_sizes({"min_ram": image.min_ram if image else 0, **facts}, flavor)


def _check_size(image: "Image", flavor: Flavor) -> None:
    _check_sizes({"min_ram": image.min_ram, **facts_of(image)}, flavor)


def _check_sizes(image: Mapping[str, Any], flavor: Flavor) -> None:
    """``image``: its facts, and ``min_ram`` in MiB."""
    if image["min_ram"] and flavor.ram_mib < image["min_ram"]:
        raise ImageUnusable(
            f"Flavor's memory is too small for requested image: {flavor.ram_mib} MiB < {image['min_ram']} MiB."
        )
    if flavor.disk_gib == 0:
        return  # the root disk is as large as the image
    need = max(image.get("virtual_size") or image.get("size") or 0, (image.get("min_disk") or 0) * GIB)
    if flavor.disk_gib * GIB < need:
        raise ImageUnusable(
            f"Flavor's disk is too small for requested image. Flavor disk is {flavor.disk_gib * GIB} bytes, "
            f"image is {need} bytes."
        )
