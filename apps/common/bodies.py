"""Bodies that arrive in chunks, without a length: read whole and bounded before any parser asks for them."""

import io
import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from apps.common.exceptions import BadRequest, TooLarge

_STREAMED = re.compile(r"/image/v2/images/[^/]+/file")  # the view reads these itself, as long as they may be


def is_chunked(request: HttpRequest) -> bool:
    """Return whether the body has no length and the server decodes its chunks."""
    coding = request.META.get("HTTP_TRANSFER_ENCODING", "")
    return "chunked" in coding.lower() and not request.META.get("CONTENT_LENGTH")


def set_length(request: HttpRequest) -> None:
    """Give a chunked document a length: Django reads CONTENT_LENGTH bytes, which are none of a chunked body.

    Raises TooLarge (413) over ``DATA_UPLOAD_MAX_MEMORY_SIZE``, BadRequest (400) for a body that was cut off.
    """
    if not is_chunked(request) or _STREAMED.fullmatch(request.path_info):
        return
    data = read(request.META["wsgi.input"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    if len(data) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise TooLarge("The request body is too large.")
    request.META["CONTENT_LENGTH"] = str(len(data))
    request._stream = io.BytesIO(data)


def read(stream: Any, size: int) -> bytes:
    """Read up to ``size`` bytes. Any exception of the server means that the client disconnected (400)."""
    try:
        return bytes(stream.read(size))
    except Exception as error:
        raise BadRequest(f"The chunked body could not be read to its end ({type(error).__name__}).") from None
