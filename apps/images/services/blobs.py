"""Adopting and dropping contents. How often a content is used is never stored: the images' rows are counted."""

import os
import time
import uuid
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from apps.images import locks, pool
from apps.images.models import Image
from apps.images.selectors import blobs

log = structlog.get_logger("celerity.images")
ORPHAN_AGE = 300  # seconds


def prepare() -> None:
    """Make the directories, closed to everybody else."""
    for directory in (Path(settings.IMAGE_DIR), blobs.directory(), blobs.staging()):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def bring(*, staged: Path, sha512: str, image_id: uuid.UUID) -> str:
    """Copy a staged file into the pool, if contents go there and this is a new one; return its name there, else "".

    Before the transaction of ``adopt``: it takes long.
    """
    if not pool.is_used() or blobs.path_of(sha512).is_file() or pool.size_of(sha512) is not None:
        return ""
    return pool.bring(staged, image_id)


def adopt(*, staged: Path, sha512: str, image_id: uuid.UUID, brought: str = "") -> None:
    """Move a staged file, or what was ``brought`` of it, to its content's name; if that exists, delete the new one.

    Call it inside the transaction that writes the row that uses it: the content is held until it ends.
    """
    locks.blob(sha512)
    target = blobs.path_of(sha512)
    if pool.is_used() and not target.is_file():
        if pool.size_of(sha512) is None:
            pool.settle(brought or pool.bring(staged, image_id), sha512)
        elif brought:
            pool.discard(brought)
        staged.unlink()
        return
    if target.is_file():
        staged.unlink()
        return
    staged.chmod(0o444)
    os.replace(staged, target)
    _sync(target.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop_unused(*, sha512: str) -> bool:
    """Remove a content that no image uses any more. Call it after the commit that took the last use away. The begin of
    its hash is enough for one that is in the pool alone.
    """
    with transaction.atomic():
        locks.blob(sha512)
        is_whole = len(sha512) > pool.DIGITS
        match = {"os_hash_value": sha512} if is_whole else {"os_hash_value__startswith": sha512}
        if Image.objects.filter(**match, deleted_at=None).exists():
            return False
        if is_whole:
            blobs.path_of(sha512).unlink(missing_ok=True)
        if pool.is_used():
            try:
                pool.drop(sha512)
            except pool.REFUSALS:  # an orphan from now on
                log.warning("a content is left in the pool", sha512=sha512)
                return False
    return True


def drop_orphans() -> list[str]:
    """Remove contents that a killed process left without a row. Returns their SHA-512."""
    if not blobs.directory().is_dir():
        return []
    dropped = _drop_orphans_of_pool() if pool.is_used() else []
    old = [entry.name for entry in os.scandir(blobs.directory()) if time.time() - entry.stat().st_ctime > ORPHAN_AGE]
    used = set(Image.objects.filter(os_hash_value__in=old, deleted_at=None).values_list("os_hash_value", flat=True))
    dropped += [sha512 for sha512 in old if len(sha512) == 128 and sha512 not in used and drop_unused(sha512=sha512)]
    if dropped:
        log.warning("orphaned contents removed", count=len(dropped))
    return dropped


def _drop_orphans_of_pool() -> list[str]:
    """The same in the pool; what does not answer is looked at later. Who stores a content holds it, and its image's
    upload: what is found without either is a killed process's.
    """
    try:
        rows = Image.objects.filter(deleted_at=None).exclude(os_hash_value=None).order_by()
        used = {str(sha512)[: pool.DIGITS] for sha512 in rows.values_list("os_hash_value", flat=True).distinct()}
        dropped = []
        for begin, is_whole in sorted(pool.own().items()):
            if (begin not in used or not is_whole) and _drop_from_pool(begin, is_whole):
                dropped.append(begin)
        for name, image_id in pool.incoming().items():
            with locks.upload(image_id) as is_left:
                if is_left:
                    pool.discard(name)
        pool.empty_trash()
    except pool.REFUSALS:
        return []
    return dropped


def _drop_from_pool(begin: str, is_whole: bool) -> bool:
    """Remove a content that no image uses, or the rest of one."""
    if is_whole:
        return drop_unused(sha512=begin)
    with transaction.atomic():
        locks.blob(begin)
        if pool.own().get(begin, True):
            return False
        pool.drop(begin)
    return True
