"""A content of the pool of images as a stream, by a process that reads it with Debian's Python."""

import io
import subprocess
from pathlib import Path
from typing import IO

from django.conf import settings

from apps.images import exceptions

PYTHON = "/usr/bin/python3"
_READER = str(Path(__file__).with_name("pool_reader.py"))


class Content(io.RawIOBase):
    """A content as a stream of bytes, from a process that starts with the first of them and ends with the stream."""

    def __init__(self, name: str, size: int, snapshot: str) -> None:
        """Read nothing yet: a seek costs nothing before the first byte."""
        self.size, self._position, self._name, self._snapshot = size, 0, name, snapshot
        self._process: subprocess.Popen[bytes] | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Raises OSError where the data ends too early: the reader must not take it for whole."""
        wanted = self.size - self._position if size < 0 else min(size, self.size - self._position)
        data = self._output().read(wanted) if wanted else b""
        if len(data) < wanted:
            raise OSError(f"the pool gave {self._position + len(data)} of {self.size} bytes")
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or self._process is not None:
            raise io.UnsupportedOperation("a stream goes forward")
        self._position = offset
        return offset

    def _output(self) -> IO[bytes]:
        if self._process is None:
            place = (settings.CEPH_CONF, settings.CEPH_USER, settings.CEPH_KEYRING, settings.IMAGE_STORE)
            self._process = _start(
                [PYTHON, "-E", "-s", _READER, *place, self._name, self._snapshot, str(self._position)]
            )
        assert self._process.stdout is not None
        return self._process.stdout

    def close(self) -> None:
        if not self.closed and self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
        super().close()


def _start(argv: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise exceptions.StoreUnavailable from error
