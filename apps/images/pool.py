"""The image store in a pool of a Ceph cluster, by Ceph's programs, which Debian packages: each call has a limit.

A content is the image `content-<cloud>-<begin of its SHA-512>` with the snapshot `base`: a raw one is what servers'
disks in the cluster are clones of. What is being stored, or removed, is `incoming-<cloud>-<image>.<number>`: that name
comes and goes at once, so that a content is always whole.
"""

import contextlib
import json
import secrets
import subprocess
import uuid
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from apps.common import cloud_id
from apps.images import exceptions, pool_stream

log = structlog.get_logger("celerity.images")
BASE = "base"
COMMON = "content-"
REFUSALS = (exceptions.StoreUnavailable, exceptions.NoRoom)
DIGITS = 64  # of the SHA-512: RBD's names have 95 characters at most
SHORT_SECONDS, LONG_SECONDS = 40, 3 * 3600
_LIMITS = ("--client-mount-timeout", "5", "--rados-mon-op-timeout", "15", "--rados-osd-op-timeout", "30")
DEEPEST = 6  # clones of clones


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
    named = _find(sha512)
    return None if named is None else named[1]


def opened(sha512: str) -> pool_stream.Content | None:
    """Return a content as a stream; None where there is none. Raises StoreUnavailable."""
    named = _find(sha512)
    return None if named is None else pool_stream.Content(*named, BASE)


def _find(sha512: str) -> tuple[str, int] | None:
    """Return the name and the bytes of a content. Before names had the cloud in them, clouds had it in common."""
    for name in (name_of(sha512), f"{COMMON}{sha512[:DIGITS]}"):
        known = _info(f"{name}@{BASE}")
        if known is not None:
            return name, int(known["size"])
    return None


def bring(path: Path, image_id: uuid.UUID) -> str:
    """Copy a file into the pool under a new name, and return that. The caller holds the image's upload. Raises
    StoreUnavailable, NoRoom.
    """
    name = _new_name(image_id)
    return _whole(name, "import", "--no-progress", str(path), name, seconds=LONG_SECONDS)


def bytes_of(spec: str) -> int | None:
    """Return the bytes of a snapshot in the cluster, "pool/image@snapshot"; None for none. Raises StoreUnavailable."""
    known = _info(spec)
    return None if known is None else int(known["size"])


def is_shallow(image: str) -> bool:
    """Return whether an image in the cluster, "pool/image", has few images below it, and no deleted ones: a clone of it
    would keep them all. Raises StoreUnavailable.
    """
    known = _info(image)
    for _ in range(DEEPEST):
        parent = known.get("parent") if known else None
        if not parent:
            return True
        if parent.get("trash"):
            return False
        known = _info(f"{parent['pool']}/{parent['image']}")
    return False


def bring_clone(spec: str, image_id: uuid.UUID) -> str:
    """Have a clone of such a snapshot under a new name, and return that. The caller holds the image's upload.

    Raises StoreUnavailable, NoRoom.
    """
    name = _new_name(image_id)
    return _whole(name, "clone", "--rbd-default-clone-format", "2", spec, f"{settings.IMAGE_STORE}/{name}")


def _whole(name: str, *command: str, seconds: int = SHORT_SECONDS) -> str:
    """Have an image by a command, with the snapshot that says that it is whole, or nothing; return its name."""
    try:
        _make_trash()
        _rbd(*command, seconds=seconds)
        _rbd("snap", "create", "--no-progress", f"{name}@{BASE}")
    except BaseException:
        discard(name)
        raise
    return name


def _make_trash() -> None:
    """Have the object by which images are removed: a full pool has no room for it."""
    run(["rados", *access(), "--pool", settings.IMAGE_STORE, "touch", "rbd_trash"], SHORT_SECONDS)


def settle(name: str, sha512: str) -> None:
    """Give what was brought its content's name. The caller holds the content, and has not found it."""
    content = name_of(sha512)
    if _info(content) is not None:  # a removal that was cut off in a full pool
        discard(content)
    _rbd("rename", name, content)


def discard(name: str) -> None:
    """Remove what was brought, or was a content: with the last of its clones. What is in use, or out of reach now, is
    removed later; so is what a removal that was cut short has left. Absent is success.
    """
    try:
        with contextlib.suppress(_Absent):  # RBD has begun to remove it, if it lists it
            _rbd("snap", "purge", "--no-progress", name)
        try:
            _rbd("rm", "--no-progress", name)
        except REFUSALS:  # it has clones, is in use, or is gone
            _rbd("trash", "mv", name)
    except _Absent:
        return
    except REFUSALS:
        log.info("left in the pool", name=name)


def drop(sha512: str) -> None:
    """Remove a content; its name goes first, or with it in a full pool, which renames nothing. Absent is success."""
    name = _new_name(uuid.uuid4())
    try:
        _rbd("rename", name_of(sha512), name)
    except _Absent:
        return
    except REFUSALS:
        name = name_of(sha512)
    discard(name)


def sizes() -> dict[str, int]:
    """Return the bytes of all contents that this cloud may use, by the begin of their SHA-512."""
    whole = [(name, size) for name, size in _listed().items() if size]
    begins = (COMMON, _contents())
    return {name.removeprefix(begin): size for begin in begins for name, size in whole if name.startswith(begin)}


def own() -> dict[str, bool]:
    """Return the contents of this cloud alone, by the begin of their SHA-512, and whether they are whole."""
    begin = _contents()
    return {name.removeprefix(begin): size > 0 for name, size in _listed().items() if name.startswith(begin)}


def _listed() -> dict[str, int]:
    """Return the images of the pool; the bytes of those that are whole, and 0 for others. What goes meanwhile, or whose
    removal was cut short, is not opened, and left out.
    """
    rows: dict[str, int] = {}
    try:
        said = _rbd("ls", "-l", "--format", "json")
    except _Absent as error:
        if not error.said:  # the pool is not there
            raise
        said = error.said
    for row in json.loads(said):
        rows[row["image"]] = int(row["size"]) if row.get("snapshot") == BASE else rows.get(row["image"], 0)
    return rows


def incoming() -> dict[str, uuid.UUID]:
    """Return what is being brought or removed by this cloud, and for which images."""
    begin, images = _incoming(), {}
    for name in json.loads(_rbd("ls", "--format", "json")):
        if name.startswith(begin):
            with contextlib.suppress(ValueError):
                images[name] = uuid.UUID(name.removeprefix(begin)[:36])
    return images


def empty_trash() -> None:
    """Remove contents whose last clone went."""
    for row in json.loads(_rbd("trash", "ls", "--format", "json")):
        if row["name"].startswith((_incoming(), _contents(), COMMON)):
            try:
                _rbd("trash", "rm", "--no-progress", row["id"])
            except REFUSALS:
                log.debug("a deleted content has clones", name=row["name"])


def _incoming() -> str:
    return f"incoming-{cloud_id.get()[:12]}-"


def _contents() -> str:
    return f"content-{cloud_id.get()[:12]}-"


def _new_name(image_id: uuid.UUID) -> str:
    return f"{_incoming()}{image_id}.{secrets.token_hex(4)}"


def _info(spec: str) -> Any:
    """Return what is known of an image, or of one that has a snapshot; None where there is none."""
    name, _, snapshot = spec.partition("@")
    try:
        known = json.loads(_rbd("info", "--format", "json", name))
        snapshots = json.loads(_rbd("snap", "ls", "--format", "json", name)) if snapshot else []
    except _Absent:
        return None
    return known if not snapshot or snapshot in {row["name"] for row in snapshots} else None


class _Absent(exceptions.StoreUnavailable):
    """There is no such image; what the program ``said`` of others."""

    said = ""


def access() -> list[str]:
    """Return the options by which Ceph's programs reach the cluster, with limits for waiting."""
    user = ["--conf", settings.CEPH_CONF, "--id", settings.CEPH_USER, "--keyring", settings.CEPH_KEYRING]
    return [*user, *_LIMITS]


def _rbd(*words: str, seconds: int = SHORT_SECONDS) -> str:
    command, rest = words[:1], words[1:]
    return run(["rbd", *access(), "--pool", settings.IMAGE_STORE, *command, *rest], seconds)


def run(argv: list[str], seconds: int) -> str:
    """Return what one of the programs says. Raises StoreUnavailable, NoRoom."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("the pool of images does not answer", error=str(error)[:300])
        raise exceptions.StoreUnavailable from error
    if done.returncode == 0:
        return done.stdout
    if done.returncode == 2:  # ENOENT
        absent = _Absent()
        absent.said = done.stdout
        raise absent
    if done.returncode in (28, 122):  # ENOSPC, EDQUOT
        raise exceptions.NoRoom
    log.warning("the pool of images refused", error=done.stderr.strip()[-500:], code=done.returncode)
    raise exceptions.StoreUnavailable
