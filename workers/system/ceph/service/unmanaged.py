"""What becomes a volume, or a snapshot of one, and is released again: only its name changes.

Images `unmanaged-<name>`, and snapshots of volumes that are called so: nobody's. What a pool has under other names is
others', and not offered.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import rbd
from pool import Pool, Refused

UNMANAGED = "unmanaged-"


def unmanaged(pool: Pool) -> Any:
    """The images that can become volumes: names, bytes."""
    rows = []
    for name in sorted(pool.names()):
        if name.startswith(UNMANAGED):
            with suppress(rbd.ImageNotFound), pool.image(name, read_only=True) as image:
                rows.append([name.removeprefix(UNMANAGED), image.size()])
    return rows


def adopt(pool: Pool, volume: str, reference: str, size: int) -> Any:
    """Make an image a volume of ``size`` bytes: no smaller than it was. Raises Refused while a client has it open."""
    name, source = f"volume-{volume}", UNMANAGED + reference
    with pool.locked(volume, source), _unlocking(pool, source):
        if not pool.settle(source, name):
            try:
                with pool.image(source, read_only=True) as image:
                    if image.size() > size:
                        raise Refused("too-small", f"{image.size()} bytes")
                    _check_unused(pool, image)
                pool.mark(source)
                pool.rename(source, name)
            except rbd.ImageNotFound as error:
                raise Refused("unmanaged", reference) from error
        with pool.image(name) as image:
            if image.size() < size:
                image.resize(size)


def release(pool: Pool, volume: str, reference: str) -> Any:
    """Give up a volume. Absent is success. Raises Refused while a client has it open, or if the name is another's."""
    name, target = f"volume-{volume}", UNMANAGED + reference
    with pool.locked(volume, target), _unlocking(pool, target):
        if pool.is_leaving(target):
            raise Refused("taken", reference)
        is_there = pool.settle(name, target)
        if pool.has(name):
            if is_there:
                raise Refused("taken", reference)
            with pool.image(name, read_only=True) as image:
                _check_unused(pool, image)
            pool.rename(name, target)
        pool.unlock_for_good(volume)


@contextmanager
def _unlocking(pool: Pool, name: str) -> Iterator[None]:
    """The lock of a name that is nobody's goes with the work on it, also when that was refused."""
    try:
        yield
    finally:
        pool.unlock_for_good(name)


def _check_unused(pool: Pool, image: Any) -> None:
    if pool.strangers(image):
        raise Refused("open", "a client has it open")


def unmanaged_snapshots(pool: Pool, volume: str) -> Any:
    """The snapshots of a volume that nobody manages: names, bytes."""
    rows = [(name, size) for name, size in pool.snapshots_of(f"volume-{volume}") if name.startswith(UNMANAGED)]
    return sorted(rows)


def rename_snapshot(pool: Pool, volume: str, snapshot: str, new: str) -> Any:
    """Give a snapshot of a volume another name. One that has it is success."""
    with pool.locked(volume), pool.image(f"volume-{volume}") as image:
        names = {item["name"] for item in image.list_snaps() if item.get("namespace", 0) == 0}
        if _noted(new) in names:
            return
        if _noted(snapshot) not in names:
            raise Refused("no-snapshot", snapshot)
        image.rename_snap(_noted(snapshot), _noted(new))


def _noted(snapshot: str) -> str:
    return snapshot if snapshot.startswith(UNMANAGED) else f"snapshot-{snapshot}"
