"""Images as Nova's proxy shows them."""

from typing import TYPE_CHECKING, Any

from apps.common.api.documents import seconds
from apps.compute.api.documents.base import Links

if TYPE_CHECKING:
    from apps.images.models import Image

_STATUS = {"active": "ACTIVE", "queued": "SAVING", "saving": "SAVING", "importing": "SAVING", "killed": "ERROR"}
# Nova says 25, 50 and 100; between them is what the copy of a server's disk, and then its upload, has done.
_PROGRESS = {"queued": (25, 24), "saving": (50, 49), "importing": (50, 0), "active": (100, 0)}
MEDIA_TYPE = "application/vnd.openstack.image"


def statuses_of(wanted: str) -> list[str]:
    """Return the image service's words for a status of Nova's."""
    return [word for word, status in _STATUS.items() if status == wanted.upper()]


def _progress(image: "Image") -> int:
    start, width = _PROGRESS.get(image.status, (0, 0))
    return start + width * image.progress // 100


def render_brief(image: "Image", links: Links) -> dict[str, Any]:
    key = str(image.id)
    alternate = {"rel": "alternate", "type": MEDIA_TYPE, "href": f"{links.images}/{key}"}
    return {"id": key, "name": image.name, "links": [*links.of("images", key), alternate]}


def render(image: "Image", links: Links) -> dict[str, Any]:
    return {
        **render_brief(image, links),
        "status": _STATUS.get(image.status, "UNKNOWN"),
        "progress": _progress(image),
        "created": seconds(image.created_at),
        "updated": seconds(image.updated_at),
        "minDisk": image.min_disk,
        "minRam": image.min_ram,
        "metadata": image.properties,
        "OS-EXT-IMG-SIZE:size": image.size,
    }
