"""Sends a snapshot to the image store by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from workers.drivers.errors import SpecInvalid
from workers.drivers.storage import connections
from workers.drivers.storage.base import Progress
from workers.drivers.storage.errors import FilesMissing, SendingFailed, SnapshotRefused

_CHUNK = 1024 * 1024
READ_S = 600.0
SLOWEST = 32 << 20  # bytes a second: the store reads all again, and copies it into its pool, before it answers


def send(path: Path, url: str, progress: Progress | None) -> None:
    """Send a file by PUT; the answer says that the store has all of it. Redirects are not followed.

    Raises FilesMissing, SendingFailed, SnapshotRefused, and what `progress` raises.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise SpecInvalid("an image store is reached by HTTP")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FilesMissing("The snapshot of the server is not on its host.", details=str(error)) from error
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
    try:
        with path.open("rb") as stream:
            body = _chunks(stream, size, progress)
            answer = connections.request("PUT", url, headers=headers, read_seconds=patience(size), body=body)
        with answer:
            text = answer.read(2000).decode(errors="replace")
    except connections.Broken as error:
        raise SendingFailed("The image store does not answer.", details=type(error).__name__) from error
    _check(answer.status, text)


def patience(size: int) -> float:
    """Return for how many seconds to wait for the store's answer about so many bytes."""
    return READ_S + size / SLOWEST


def _chunks(stream: object, size: int, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    while chunk := stream.read(_CHUNK):  # type: ignore[attr-defined]
        if progress is not None:
            progress(done, size)
        done += len(chunk)
        yield chunk


def _check(status: int, text: str) -> None:
    if status in (200, 201, 204):
        return
    details = f"{status}: {text}"
    if status >= 500 or status in (408, 409, 429):  # 409: an earlier attempt's data is being stored
        raise SendingFailed("The image store could not take the snapshot now.", details=details)
    raise SnapshotRefused("The image store refused the snapshot.", details=details)
