"""An image's data: upload, download, and the internal download of hosts."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from apps.common import bodies
from apps.common.api.parsers import StreamParser
from apps.common.api.views import Response, ServiceView
from apps.common.exceptions import BadRequest, UnsupportedMediaType
from apps.images.api.views.base import ImageView
from apps.images.exceptions import BlobNotFound, LengthRequired, RangeNotSatisfiable
from apps.images.models import Image
from apps.images.selectors import blobs
from apps.images.selectors import images as selectors
from apps.images.services import charges, images
from apps.workflow.selectors import runs

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")
CHUNK = 1024 * 1024


class ImageFile(ImageView):
    """The data, streamed both ways."""

    parser_classes = [StreamParser]
    request_schemas = {"put": {StreamParser.media_type: {"type": "string", "format": "binary"}}}

    def put(self, request: Request, image_id: str) -> Response:
        if request.content_type.split(";")[0].strip().lower() != StreamParser.media_type:
            raise UnsupportedMediaType(f"Image data has the content type {StreamParser.media_type}.")
        plain: HttpRequest = request._request
        image = self.image(image_id, "upload_image")
        if plain.META.get("celerity.admission"):
            return _admit(image, plain)
        images.upload(image=image, source=_body(plain), expected=_announced(plain))
        return Response(status=204)

    def get(self, request: Request, image_id: str) -> Any:
        image = self.image(image_id, "download_image")
        stream = images.read(context=self.caller, image=image)
        if stream is None:
            return Response(status=204)
        size = int(image.size or 0)
        if request.META.get("celerity.front") and blobs.is_file(stream):
            response: HttpResponseBase = _by_the_front(request.headers.get("Range"), stream, size)
        else:
            response = _ranged(request.headers.get("Range"), stream, size) or _whole(stream, size)
        if image.checksum:
            response["Content-MD5"] = image.checksum
        response["Accept-Ranges"] = "bytes"
        return response


def _admit(image: Image, request: HttpRequest, run_id: uuid.UUID | None = None) -> Response:
    """Answer the front, which asks before it takes the body in (cloud/front.py).

    The front limits the body to the room, and counts the uploads of the project (deploy/front/uploads.py).
    """
    text = request.META.get("HTTP_X_FRONT_LENGTH", "")
    expected = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
    room = images.admit(image=image, expected=expected, copies=2, run_id=run_id)
    headers = {"X-Front-Room": str(front_room(room)), "X-Front-Project": image.project_id}
    return Response(status=204, headers=headers)


def front_room(size: int) -> int:
    """Return the smallest power of two of MiB that holds ``size`` bytes; 1 at least."""
    whole = -(-size // charges.MIB)
    return 1 << max(whole - 1, 0).bit_length()


def _body(request: HttpRequest) -> Any:
    """Return the stream of a request's body.

    Django reads CONTENT_LENGTH bytes, none for a chunked body. A server that decodes chunks says so in
    ``wsgi.input_terminated``, or may only be known by that it passed the header on.
    """
    if bodies.is_chunked(request):
        return _Chunked(request.META["wsgi.input"])
    return request


class _Chunked:
    """A chunked body."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        return bodies.read(self._stream, size)


def _announced(request: HttpRequest) -> int | None:
    """Return the length in bytes that the headers announce; None when they do not."""
    lengths = [request.META.get("CONTENT_LENGTH") or None, request.headers.get("X-OpenStack-Image-Size")]
    if bodies.is_chunked(request):
        lengths[0] = None
    for text in lengths:
        if text is not None and (not text.isascii() or not text.isdigit() or len(text) > 18):
            raise BadRequest(f"The announced length '{text[:64]}' is no number of bytes.")
    known = [int(text) for text in lengths if text is not None]
    if len(set(known)) > 1:
        raise BadRequest("X-OpenStack-Image-Size differs from Content-Length.")
    if known:
        return known[0]
    if not bodies.is_chunked(request):
        return 0  # a request that announces neither a length nor chunks has no body (RFC 9112, 6.3)
    if not _detects_cut_bodies(request):
        raise LengthRequired
    return None


def _detects_cut_bodies(request: HttpRequest) -> bool:
    """Return whether the WSGI server raises when a chunked body is cut off. Some report a normal end instead."""
    return str(request.META.get("SERVER_SOFTWARE", "")).startswith("gunicorn")


def _by_the_front(header: str | None, stream: BinaryIO, size: int) -> HttpResponse:
    """Let the front send the file, or the range of it that the request asks for: no thread waits for a slow reader."""
    with stream:
        _range_of(header, size)
        name = Path(stream.name).name
    return HttpResponse(content_type="application/octet-stream", headers={"X-Accel-Redirect": f"/front/blobs/{name}"})


def _range_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte of one byte range (RFC 9110); None for no or several ranges.

    Raises RangeNotSatisfiable (416).
    """
    match = _RANGE.match(header or "")
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        raise RangeNotSatisfiable(size=size)
    return start, end


def _ranged(header: str | None, stream: BinaryIO, size: int) -> StreamingHttpResponse | None:
    """Return the part of a file that one byte range asks for; None for no or several ranges."""
    try:
        bounds = _range_of(header, size)
    except RangeNotSatisfiable:
        stream.close()
        raise
    if bounds is None:
        return None
    start, end = bounds
    stream.seek(start)
    response = StreamingHttpResponse(
        _part(stream, end - start + 1), status=206, content_type="application/octet-stream"
    )
    response["Content-Range"] = f"bytes {start}-{end}/{size}"
    response["Content-Length"] = str(end - start + 1)
    return response


def _whole(stream: BinaryIO, size: int) -> HttpResponseBase:
    if blobs.is_file(stream):
        return FileResponse(stream, content_type="application/octet-stream")
    response = StreamingHttpResponse(_part(stream, size), content_type="application/octet-stream")
    response["Content-Length"] = str(size)
    return response


def _part(stream: BinaryIO, left: int) -> Iterator[bytes]:
    with stream:
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


class Blob(ServiceView):
    """The internal download: a signed URL in place of a token."""

    authentication_classes = []
    permission_classes = []
    schema = None  # between the cloud's own processes: no part of the API

    def get(self, request: Request, sha512: str) -> Any:
        signature = request.query_params.get("signature", "")
        stream, size = blobs.check_signature(sha512=sha512, signature=signature)
        if request.META.get("celerity.front") and blobs.is_file(stream):
            return _by_the_front(None, stream, size)
        return _whole(stream, size)


class Upload(ServiceView):
    """The internal upload: a signed URL in place of a token, for one image and while the run that fills it is active.

    A host that does not have the store sends a server's snapshot here.
    """

    authentication_classes = []
    permission_classes = []
    parser_classes = [StreamParser]
    schema = None  # between the cloud's own processes: no part of the API

    def put(self, request: Request, image_id: uuid.UUID, run_id: uuid.UUID) -> Response:
        """Answer 404, whatever is wrong with the URL."""
        signature = request.query_params.get("signature", "")
        if not blobs.is_upload_signed(image_id=image_id, run_id=run_id, signature=signature):
            raise BlobNotFound
        image = selectors.unfilled(run_id=run_id).filter(id=image_id).first()
        if image is None or not runs.tokens(run_ids=[run_id]):
            raise BlobNotFound
        plain: HttpRequest = request._request
        if plain.META.get("celerity.admission"):
            return _admit(image, plain, run_id)
        length = _announced(plain)
        if length is None:
            raise LengthRequired
        images.fill(image_id=image_id, run_id=run_id, source=_body(plain), expected=length)
        return Response(status=204)
