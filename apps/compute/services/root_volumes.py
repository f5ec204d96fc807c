"""Servers that boot from a volume: which one it is, and what a rebuild may do with it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.common.exceptions import BadRequest
from apps.compute.exceptions import ImageUnusable
from apps.compute.models import Server
from apps.compute.selectors import volume_attachments
from apps.images.selectors import images
from apps.volumes import states
from apps.volumes.selectors import attachments, server_volumes
from apps.volumes.services import volume_requests

if TYPE_CHECKING:
    from apps.volumes.models import Volume

GIB = 1024**3
REIMAGE = "reimage"  # the parameter of a rebuild's run that names the volume, and the image that it gets


def of(server: Server) -> "Volume | None":
    """Return the volume that a server boots from; None for a local root disk. 2 queries, or none."""
    devices = volume_attachments.of_server(server=server)
    key = next((device.volume_id for device in devices if device.is_root), None)
    return server_volumes.rows_of(volume_ids=[key]).get(key) if key is not None else None


def columns(
    root: "Volume", image: Mapping[str, Any], *, reimage: bool
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return what a rebuild with an image writes into the server's row, and the parameters of its run.

    ``image``: the columns of a server whose local root disk is made from it. The row of a server that boots from a
    volume names no image. Raises BadRequest and ImageUnusable (400).
    """
    if not reimage:
        if root.image_metadata.get("image_id") != image["image_id"]:
            raise BadRequest("Unable to rebuild with a different image for a volume-backed server.")
        return {}, {}
    facts = image["image_facts"]
    needed = max(facts.get("virtual_size") or facts["size"], (facts.get("min_disk") or 0) * GIB)
    if needed > root.size * GIB:
        raise ImageUnusable(f"Volume {root.id} has {root.size} GiB, and the image needs {needed} bytes.")
    if root.status != states.IN_USE or len(attachments.of_volume(volume_id=root.id)) > 1:
        raise BadRequest(f"Volume {root.id} must be in-use by this server alone to be made again; it is {root.status}.")
    metadata = volume_requests.of_image(images.get(image_id=image["image_id"]))
    wanted = {"volume": str(root.id), "image_id": image["image_id"], "image_facts": facts, "metadata": metadata}
    parts = {part: facts[part] for part in ("kernel", "ramdisk") if part in facts}
    return {"image_properties": image["image_properties"], "image_facts": parts}, {REIMAGE: wanted}
