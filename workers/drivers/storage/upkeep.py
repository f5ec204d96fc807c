"""Upkeep of a host's cache and disks: data that others changed, and leftovers of killed processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from workers.system import files, locks
from workers.system.paths import HostPaths

_LIMIT_S = 0.0


def lock_name(sha512: str) -> str:
    """The host lock that guards an image in the cache."""
    return f"image-{sha512[:32]}"


def stamp(path: Path) -> dict[str, int]:
    """A cheap fingerprint of verified data, kept in the image's record."""
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


def damaged(paths: HostPaths) -> Iterator[str]:
    """Images with a record whose data is missing or differs from the verified data."""
    for record in sorted(paths.images.glob("*.json")):
        known = json.loads(files.read(record) or b"{}")
        try:
            present = stamp(record.with_suffix(""))
        except FileNotFoundError:
            if record.exists():  # else it was just evicted
                yield record.stem
            continue
        if any(known.get(key, value) != value for key, value in present.items()):
            yield record.stem


def residue(paths: HostPaths, *, remove: bool) -> Iterator[str]:
    """List data without a record, partial downloads and unfinished disks, and remove them.

    An image whose lock is held is being fetched: it is left alone.
    """
    for path in sorted(paths.images.glob("*")):
        name = path.name.removeprefix(files.TEMPORARY_PREFIX)
        bits = len(name) == 128 and not path.with_name(f"{path.name}.json").exists()
        if bits and _is_left(paths, path, name, remove):
            yield f"{'partial download' if path.name != name else 'bits without a record'} {name[:16]}"
    for directory in [paths.images, *paths.instances.glob("*/")]:
        for path in files.abandoned(directory):
            if remove:
                path.unlink(missing_ok=True)
            yield f"unfinished file {path.relative_to(paths.root)}"


def _is_left(paths: HostPaths, path: Path, sha512: str, remove: bool) -> bool:
    try:
        with locks.host_lock(paths.locks, lock_name(sha512), timeout_s=_LIMIT_S):
            if path.with_name(f"{path.name}.json").exists():  # its fetch ended meanwhile
                return False
            there = path.exists()
            if remove:
                path.unlink(missing_ok=True)
            return there
    except locks.LockTimeout:
        return False
