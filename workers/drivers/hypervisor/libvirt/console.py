"""The tail of a serial console, across the files that virtlogd rotates."""

from __future__ import annotations

import os
from pathlib import Path

_MOST_ROTATED = 9


def tail(log: Path, max_bytes: int) -> bytes:
    """The last `max_bytes` bytes of `log` with `log`.0 (newest rotated), .1, … before it; empty without a log.

    A symbolic link is not followed: the directory is the server's, and the reader is root.
    """
    wanted = max(0, max_bytes)
    pieces: list[bytes] = []
    for path in (log, *(log.with_name(f"{log.name}.{number}") for number in range(_MOST_ROTATED + 1))):
        if wanted <= 0:
            break
        piece = _end_of(path, wanted)
        if piece is None:
            if path != log:
                break
            continue
        pieces.append(piece)
        wanted -= len(piece)
    return b"".join(reversed(pieces))


def _end_of(path: Path, max_bytes: int) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with open(handle, "rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - max_bytes))
        return stream.read(max_bytes)
