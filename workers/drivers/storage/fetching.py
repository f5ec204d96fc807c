"""Fetches an image's data into a file, counting and hashing it."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from workers.drivers.storage import connections
from workers.drivers.storage.base import ImageSource, ImageSpec, Progress
from workers.drivers.storage.errors import ImageCorrupt, ImageUnavailable, NotEnoughSpace

_CHUNK = 1024 * 1024
_READ_SECONDS = 60.0


def fetch(image: ImageSpec, source: ImageSource, target: Path, progress: Progress | None) -> None:
    """Write the image's data to `target` (created, mode 0600).

    Raises ImageUnavailable, NotEnoughSpace, or ImageCorrupt when size or SHA-512 are not the recorded ones; no more
    than the recorded size (and one chunk) is ever read. The caller removes `target` when this fails. What is a clone of
    a server's disk has its image's ID four times in place of a hash: nobody has read it.
    """
    digest = hashlib.sha512()
    done = 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(handle, "wb", buffering=0) as sink, _opened(source) as stream, _written():
        while chunk := _read(stream):
            done += len(chunk)
            if done > image.size:
                raise ImageCorrupt("The image is longer than recorded.", details=f"more than {image.size} bytes")
            digest.update(chunk)
            sink.write(chunk)
            if progress is not None:
                progress(done, image.size)
    if done != image.size:
        raise ImageCorrupt("The image is shorter than recorded.", details=f"{done} of {image.size} bytes")
    # Data that nobody has read has no hash: its image's ID four times stands for it (apps/images/attributes.unhashed).
    is_hashed = image.sha512 != image.sha512[:32] * 4
    if is_hashed and digest.hexdigest() != image.sha512:
        raise ImageCorrupt("The image's checksum is wrong.", details=f"found {digest.hexdigest()}")


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotEnoughSpace("The host has no space for the image.", details=str(error)) from error
        raise ImageUnavailable("The image could not be stored.", details=str(error)) from error


def _read(stream: IO[bytes]) -> bytes:
    try:
        chunk = stream.read(_CHUNK)
        if not chunk and getattr(stream, "length", None):
            raise http.client.IncompleteRead(b"", getattr(stream, "length", 0))
        return chunk
    except connections.Broken as error:
        raise ImageUnavailable("The image could not be read from its source.", details=str(error)) from error


@contextmanager
def _opened(source: ImageSource) -> Iterator[IO[bytes]]:
    if urlsplit(source.url).scheme == "file":
        with _open_file(source) as stream:
            yield stream
    else:
        with _request(source) as response:
            yield response


def _open_file(source: ImageSource) -> IO[bytes]:
    parts = urlsplit(source.url)
    if parts.netloc not in ("", "localhost"):
        raise ImageUnavailable("The image could not be read from its source.", details="a file on another host")
    try:
        handle = os.open(unquote(parts.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ImageUnavailable("The image could not be read from its source.", details=str(error)) from error
    return open(handle, "rb", buffering=0)


def _request(source: ImageSource) -> http.client.HTTPResponse:
    try:
        response = connections.request("GET", source.url, headers=source.headers, read_seconds=_READ_SECONDS)
    except connections.Broken as error:
        raise ImageUnavailable("The image's source does not answer.", details=str(error)) from error
    if response.status != 200:
        response.close()
        raise ImageUnavailable("The image's source refused.", details=f"HTTP {response.status}")
    return response
