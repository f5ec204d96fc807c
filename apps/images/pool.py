"""The image store in a pool of a Ceph cluster, by Ceph's programs, which Debian packages: each call has a limit.

A content is the image `content-<cloud>-<begin of its SHA-512>` with the snapshot `base`: a raw one is what servers'
disks in the cluster are clones of. What is being stored, or removed, is `incoming-<cloud>-<image>.<number>`: that name
comes and goes at once, so that a content is always whole.
"""

import contextlib
import io
import json
import secrets
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import structlog
from django.conf import settings

from apps.common import cloud_id
from apps.images import exceptions

log = structlog.get_logger("celerity.images")
BASE = "base"
DIGITS = 64  # of the SHA-512: RBD's names have 95 characters at most
SHORT_SECONDS, LONG_SECONDS = 40, 3 * 3600
_LIMITS = ("--client-mount-timeout", "5", "--rados-mon-op-timeout", "15", "--rados-osd-op-timeout", "30")
ROOM_SECONDS = 10
DEEPEST = 6  # clones of clones
PYTHON = "/usr/bin/python3"
_NEVER = 1 << 60
_READER = str(Path(__file__).with_name("pool_reader.py"))


@dataclass(frozen=True, slots=True)
class _Room:
    """What a pool's cluster last said."""

    pool: str
    free: int
    asked_at: float


_known_room: _Room | None = None


def is_used() -> bool:
    """Return whether new contents go to a pool."""
    return bool(settings.IMAGE_STORE)


def name_of(sha512: str) -> str:
    """A pool may be of several clouds: each has its own contents. 1 query."""
    return f"{_contents()}{sha512[:DIGITS]}"


def url_of(sha512: str) -> str:
    """Return where hosts of the cluster have a content. 1 query."""
    return f"rbd://{settings.IMAGE_STORE}/{name_of(sha512)}"


def size_of(sha512: str) -> int | None:
    """Return the bytes of a content that is whole; None where there is none. Raises StoreUnavailable."""
    known = _info(name_of(sha512))
    return None if known is None else int(known["size"])


def bring(path: Path, image_id: uuid.UUID) -> str:
    """Copy a file into the pool under a new name, and return that. The caller holds the image's upload. Raises
    StoreUnavailable, NoRoom.
    """
    name = _new_name(image_id)
    try:
        _rbd("import", "--no-progress", str(path), name, seconds=LONG_SECONDS)
        _rbd("snap", "create", "--no-progress", f"{name}@{BASE}")
    except BaseException:
        discard(name)
        raise
    return name


def bring_clone(spec: str, image_id: uuid.UUID) -> tuple[str, int]:
    """Have a clone of a snapshot in the cluster ("pool/image@snapshot"), and return its name and bytes. Nothing is
    copied, unless it has many images below it, or deleted ones. The caller holds the image's upload.

    Raises StoreUnavailable.
    """
    name = _new_name(image_id)
    try:
        _rbd("clone", "--rbd-default-clone-format", "2", spec, f"{settings.IMAGE_STORE}/{name}")
        if _is_deep(name):
            _rbd("flatten", "--no-progress", name, seconds=LONG_SECONDS)
        _rbd("snap", "create", "--no-progress", f"{name}@{BASE}")
        known = _info(name)
        if known is None:
            raise exceptions.StoreUnavailable
    except BaseException:
        discard(name)
        raise
    return name, int(known["size"])


def _is_deep(name: str) -> bool:
    """Whether a clone keeps much from being removed."""
    known = _info(name)
    for _ in range(DEEPEST):
        parent = known.get("parent") if known else None
        if not parent:
            return False
        if parent.get("trash"):
            return True
        known = _info(f"{parent['pool']}/{parent['image']}")
    return True


def settle(name: str, sha512: str) -> None:
    """Give what was brought its content's name. The caller holds the content."""
    _rbd("rename", name, name_of(sha512))


def discard(name: str) -> None:
    """Remove what was brought, or was a content: with the last of its clones. What is in use, or out of reach now, is
    removed later. Absent is success.
    """
    try:
        _rbd("snap", "purge", "--no-progress", name)
        try:
            _rbd("rm", "--no-progress", name)
        except exceptions.StoreUnavailable:  # it has clones, is in use, or is gone
            _rbd("trash", "mv", name)
    except _Absent:
        return
    except exceptions.StoreUnavailable:
        log.info("left in the pool", name=name)


def drop(sha512: str) -> None:
    """Remove a content; its name goes first. Absent is success. Raises StoreUnavailable."""
    name = _new_name(uuid.uuid4())
    try:
        _rbd("rename", name_of(sha512), name)
    except _Absent:
        return
    discard(name)


def sizes() -> dict[str, int]:
    """Return the bytes of all contents of this cloud, by the begin of their SHA-512."""
    begin = _contents()
    rows = json.loads(_rbd("ls", "-l", "--format", "json"))
    mine = {row["image"]: int(row["size"]) for row in rows if row.get("snapshot") == BASE}
    return {name.removeprefix(begin): size for name, size in mine.items() if name.startswith(begin)}


def incoming() -> dict[str, uuid.UUID]:
    """Return what is being brought or removed by this cloud, and for which images."""
    begin, images = _incoming(), {}
    for name in json.loads(_rbd("ls", "--format", "json")):
        if name.startswith(begin):
            with contextlib.suppress(ValueError):
                images[name] = uuid.UUID(name.removeprefix(begin)[:36])
    return images


def take_over(sha512: str) -> None:
    """Give a content of before, when names had no cloud, its name of now."""
    try:
        _rbd("rename", f"content-{sha512[:DIGITS]}", name_of(sha512))
    except _Absent:
        return


def empty_trash() -> None:
    """Remove contents whose last clone went."""
    for row in json.loads(_rbd("trash", "ls", "--format", "json")):
        if row["name"].startswith((_incoming(), "content-")):
            try:
                _rbd("trash", "rm", "--no-progress", row["id"])
            except exceptions.StoreUnavailable:
                log.debug("a deleted content has clones", name=row["name"])


def room(*, patient: bool = False) -> int:
    """Return the bytes that are free, as the cluster's manager and the pool's quota say; many where nobody says.

    An answer is good for some seconds, and to a ``patient`` caller for longer while the cluster does not answer.
    Raises StoreUnavailable.
    """
    global _known_room
    known, now = _known_room, time.monotonic()
    if known is not None and known.pool == settings.IMAGE_STORE and now < known.asked_at + ROOM_SECONDS:
        return known.free
    try:
        known = _known_room = _Room(settings.IMAGE_STORE, _ask_room(), now)
    except exceptions.StoreUnavailable:
        if not patient or known is None or known.pool != settings.IMAGE_STORE:
            raise
    return known.free


def _ask_room() -> int:
    answer = json.loads(_run(["ceph", *_access(), "df", "detail", "--format", "json"], SHORT_SECONDS))
    known: dict[str, Any] = next((row["stats"] for row in answer["pools"] if row["name"] == settings.IMAGE_STORE), {})
    quota = int(known.get("quota_bytes") or 0)
    left = max(quota - int(known.get("stored", 0)), 0) if quota else _NEVER
    # Without a manager all numbers are 0; with one, 0 is a full cluster.
    return min(left, int(known.get("max_avail", 0))) if answer["stats"]["total_bytes"] else left


class Content(io.RawIOBase):
    """A content as a stream of bytes, from a process that starts with the first of them and ends with the stream."""

    def __init__(self, sha512: str, size: int) -> None:
        """Read nothing yet: a seek costs nothing before the first byte."""
        self.size, self._position, self._name = size, 0, name_of(sha512)
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
            self._process = _start([PYTHON, "-E", "-s", _READER, *place, self._name, BASE, str(self._position)])
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


def _incoming() -> str:
    return f"incoming-{cloud_id.get()[:12]}-"


def _contents() -> str:
    return f"content-{cloud_id.get()[:12]}-"


def _new_name(image_id: uuid.UUID) -> str:
    return f"{_incoming()}{image_id}.{secrets.token_hex(4)}"


def _info(name: str) -> Any:
    """Return what is known of an image; None where there is none."""
    try:
        return json.loads(_rbd("info", "--format", "json", name))
    except _Absent:
        return None


class _Absent(exceptions.StoreUnavailable):
    """There is no such image."""


def _access() -> list[str]:
    user = ["--conf", settings.CEPH_CONF, "--id", settings.CEPH_USER, "--keyring", settings.CEPH_KEYRING]
    return [*user, *_LIMITS]


def _rbd(*words: str, seconds: int = SHORT_SECONDS) -> str:
    command, rest = words[:1], words[1:]
    return _run(["rbd", *_access(), "--pool", settings.IMAGE_STORE, *command, *rest], seconds)


def _run(argv: list[str], seconds: int) -> str:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("the pool of images does not answer", error=str(error)[:300])
        raise exceptions.StoreUnavailable from error
    if done.returncode == 0:
        return done.stdout
    if done.returncode == 2:  # ENOENT
        raise _Absent
    if done.returncode in (28, 122):  # ENOSPC, EDQUOT
        raise exceptions.NoRoom
    log.warning("the pool of images refused", error=done.stderr.strip()[-500:], code=done.returncode)
    raise exceptions.StoreUnavailable


def _start(argv: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise exceptions.StoreUnavailable from error
