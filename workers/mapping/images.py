"""Image rows as what a host fetches."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from apps.images import pool, states
from apps.images.selectors import blobs
from workers.drivers.storage.base import ImageSource, ImageSpec

if TYPE_CHECKING:
    from apps.compute.models import Server
    from apps.images.models import Image


def of_server(server: "Server") -> tuple[ImageSpec, ImageSource]:
    """Return a server's image, as it was when the server was created, and the source of its data.

    The image may be deleted by now: a host that has it in its cache does not ask the source. On the API's machine the
    data is read from disk; elsewhere over HTTP with a signed URL.
    """
    return of_facts(str(server.image_id), server.image_facts)


def of_facts(image_id: str, facts: Mapping[str, Any]) -> tuple[ImageSpec, ImageSource]:
    """Return an image by what a server's row keeps of it."""
    known = {name: facts[name] for name in ("size", "virtual_size", "min_disk")}
    spec = ImageSpec(id=image_id, sha512=facts["sha512"] or "", disk_format=_format(facts["disk_format"]), **known)
    return spec, _source(facts["sha512"])


def parts_of(facts: Mapping[str, Any]) -> Iterator[tuple[str, ImageSpec, ImageSource]]:
    """Give the kernel and the ramdisk that belong to an image, by these words, where it has them apart."""
    for part in ("kernel", "ramdisk"):
        if part in facts:
            known = {name: value for name, value in facts[part].items() if name != "image_id"}
            yield part, *of_facts(str(facts[part]["image_id"]), known)


def of_image(image: "Image") -> tuple[ImageSpec, ImageSource]:
    """Return an image, and the source of its data. Raises SpecInvalid for one that no host takes."""
    sha512 = image.os_hash_value or ""
    spec = ImageSpec(
        id=str(image.id),
        sha512=sha512,
        size=image.size or 0,
        disk_format=_format(image.disk_format or ""),
        virtual_size=image.virtual_size,
        min_disk=image.min_disk,
    )
    return spec, _source(sha512)


def _format(disk_format: str) -> str:
    """Return the format that hosts know an image by: Amazon's three are raw data."""
    return "raw" if disk_format in states.AMAZON_FORMATS else disk_format


def _source(sha512: str) -> ImageSource:
    """Of a store in a pool, hosts that have their disks in one as well need no data by HTTP."""
    path = blobs.path_of(sha512)
    if path.exists():
        return ImageSource(url=path.as_uri())
    in_pool = pool.url_of(sha512) if pool.is_used() else ""
    return ImageSource(url=blobs.signed_url_of(sha512=sha512), in_pool=in_pool)
