"""The image store: each content once, under its SHA-512."""

import contextlib
import re
import uuid
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing

from apps.images import exceptions, pool, pool_stream, states
from apps.images.models import Image

_SHA512 = re.compile(r"[0-9a-f]{128}\Z")
_SALT = "celerity.images.blobs"
_UPLOAD_SALT = "celerity.images.uploads"
SIGNATURE_LIFETIME = 3600  # seconds


def directory() -> Path:
    """The directory of all contents."""
    return Path(settings.IMAGE_DIR) / "blobs"


def is_here() -> bool:
    """Return whether this machine has the store."""
    return Path(settings.IMAGE_DIR).is_dir()


def staging() -> Path:
    """The directory of uploads under way."""
    return Path(settings.IMAGE_DIR) / "staging"


def path_of(sha512: str) -> Path:
    """Return the path of a content, whether or not it exists. Raises BlobNotFound (404) for an invalid hash."""
    if not _SHA512.match(sha512):
        raise exceptions.BlobNotFound
    return directory() / sha512


def path(image: Image) -> Path:
    """Return the file with an image's data. Raises NoData (409) for an image that has none yet."""
    if not image.os_hash_value:
        raise exceptions.NoData(id=image.id)
    return path_of(image.os_hash_value)


def opened(sha512: str) -> tuple[BinaryIO, int]:
    """Return a content as a stream, a file or one of the pool, and its bytes.

    Raises BlobNotFound (404), StoreUnavailable (503).
    """
    path = path_of(sha512)
    with contextlib.suppress(FileNotFoundError):
        return path.open("rb"), path.stat().st_size
    content = pool.opened(sha512) if pool.is_used() else None
    if content is None:
        raise exceptions.BlobNotFound
    return cast(BinaryIO, content), content.size


def is_file(stream: BinaryIO) -> bool:
    """Return whether the front can send it by itself."""
    return not isinstance(stream, pool_stream.Content)


def damaged() -> list[tuple[str, str]]:
    """Return the contents of active images that are not in the store as recorded: (SHA-512, what is wrong).

    Compares sizes; an image without a byte may have no file. Empty if this machine does not have the store, or the
    pool of it does not answer.
    """
    if not directory().is_dir():
        return []
    try:
        pooled = pool.sizes() if pool.is_used() else {}
    except exceptions.StoreUnavailable:
        return []
    rows = Image.objects.filter(deleted_at=None, status__in=(states.ACTIVE, states.DEACTIVATED))
    problems: list[tuple[str, str]] = []
    where = f"files and rbd://{settings.IMAGE_STORE}" if pool.is_used() else "files"
    rows = rows.exclude(os_hash_value=None).exclude(size=0)
    for sha512, size in rows.order_by().values_list("os_hash_value", "size").distinct():
        assert sha512 is not None
        try:
            present = pooled.get(sha512[: pool.DIGITS]) or path_of(sha512).stat().st_size
        except FileNotFoundError:
            problems.append((sha512, f"its data is not in the store ({where}): was CELERITY_IMAGE_STORE changed?"))
            continue
        if present != size:
            problems.append((sha512, f"its file has {present} bytes, and {size} were stored"))
    return problems


def signed_url_of(*, sha512: str) -> str:
    """Return a signed URL from which another host fetches a content without a token; valid for an hour."""
    signature = signing.TimestampSigner(salt=_SALT).sign(sha512).split(":", 1)[1]
    return f"{settings.PUBLIC_URL}/image/internal/blobs/{sha512}?{urlencode({'signature': signature})}"


def check_signature(*, sha512: str, signature: str) -> tuple[BinaryIO, int]:
    """Return the content that a signed URL names. Raises BlobNotFound (404), whatever is wrong with it."""
    path_of(sha512)
    try:
        signing.TimestampSigner(salt=_SALT).unsign(f"{sha512}:{signature}", max_age=SIGNATURE_LIFETIME)
    except signing.BadSignature:
        raise exceptions.BlobNotFound from None
    return opened(sha512)


def signed_upload_url(*, image_id: uuid.UUID, run_id: uuid.UUID) -> str:
    """Return a signed URL to which another host sends the data that a run has made for an image, without a token.

    It is good for an hour, for this image, and until the image has its data or the run is over.
    """
    name = f"{image_id}/{run_id}"
    signature = signing.TimestampSigner(salt=_UPLOAD_SALT).sign(name).partition(":")[2]
    return f"{settings.PUBLIC_URL}/image/internal/uploads/{name}?{urlencode({'signature': signature})}"


def is_upload_signed(*, image_id: uuid.UUID, run_id: uuid.UUID, signature: str) -> bool:
    """Return whether a URL of an upload is signed for this image and run."""
    try:
        signer = signing.TimestampSigner(salt=_UPLOAD_SALT)
        signer.unsign(f"{image_id}/{run_id}:{signature}", max_age=SIGNATURE_LIFETIME)
    except signing.BadSignature:
        return False
    return True
