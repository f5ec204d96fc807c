"""Adopting and dropping contents. How often a content is used is never stored: the images' rows are counted."""

import os
import time
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from apps.images import locks
from apps.images.models import Image
from apps.images.selectors import blobs

log = structlog.get_logger("celerity.images")
ORPHAN_AGE = 300  # seconds


def prepare() -> None:
    """Make the directories, closed to everybody else."""
    for directory in (Path(settings.IMAGE_DIR), blobs.directory(), blobs.staging()):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def adopt(*, staged: Path, sha512: str) -> None:
    """Move a staged file to its content's name; if that exists, delete the staged one.

    Call it inside the transaction that writes the row that uses it: the content is held until it ends.
    """
    locks.blob(sha512)
    target = blobs.path_of(sha512)
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
    """Remove a content that no image uses any more. Call it after the commit that took the last use away."""
    with transaction.atomic():
        locks.blob(sha512)
        if Image.objects.filter(os_hash_value=sha512, deleted_at=None).exists():
            return False
        blobs.path_of(sha512).unlink(missing_ok=True)
    return True


def drop_orphans() -> list[str]:
    """Remove contents that a killed process left without a row. Returns their SHA-512."""
    if not blobs.directory().is_dir():
        return []
    old = [entry.name for entry in os.scandir(blobs.directory()) if time.time() - entry.stat().st_ctime > ORPHAN_AGE]
    used = set(Image.objects.filter(os_hash_value__in=old, deleted_at=None).values_list("os_hash_value", flat=True))
    dropped = [sha512 for sha512 in old if len(sha512) == 128 and sha512 not in used and drop_unused(sha512=sha512)]
    if dropped:
        log.warning("orphaned contents removed", count=len(dropped))
    return dropped
