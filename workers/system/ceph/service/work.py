"""What can be done with a pool. Every operation finds its work done if it is asked again."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import rados
import rbd
from pool import DEEPEST, Pool, Refused, snapshots, unprotect

BASE = "base"
MOMENT_SECONDS = 120
UNUSED_DAYS = 1
UNIQUE = ("volume", "disk", "new")  # a UUID follows
GIB = 1 << 30


def facts(pool: Pool) -> Any:
    """What guests need to reach the pool."""
    rows = []
    for monitor in pool.ask(prefix="mon dump")["mons"]:
        known = {item["type"]: item["addr"] for item in monitor["public_addrs"]["addrvec"]}
        rows.append(known.get("v2") or known["v1"])
    return {"fsid": pool.cluster.get_fsid(), "monitors": rows}


def room(pool: Pool) -> Any:
    """Bytes in all and free, of the pool's quota too. The manager counts: without one only the quota is known, and
    that the monitors hold the pool for full.
    """
    answer = pool.ask(prefix="df")
    known = {item["name"]: item["stats"] for item in answer["pools"]}.get(pool.name, {})
    used, free = known.get("stored", 0), known.get("max_avail", 0)
    is_known = answer["stats"]["total_bytes"] > 0  # 0 is a full cluster then
    quota, is_full = pool.limits()
    if quota:
        left = max(quota - used, 0)
        free = min(free, left) if is_known else left
    elif not is_known and not used:
        raise Refused("unavailable", "the cluster does not say how much room it has: has it a manager?")
    return {"total": used + free, "free": 0 if is_full else free}


def volumes(pool: Pool, only: str = "", known: list[str] | None = None) -> Any:
    """All volumes, or one: ids, bytes, snapshots. Of others than the ``known`` ones, if these are given, the ids."""
    keys = [only] if only else [name[7:] for name in pool.names() if name.startswith("volume-")]
    rows: list[Any] = [[key, 0, []] for key in keys if known is not None and key not in known]
    for key in keys if known is None else set(keys) & set(known):
        with suppress(rbd.ImageNotFound), pool.image(f"volume-{key}", read_only=True) as image:
            rows.append([key, image.size(), snapshots(image)])
    return rows


def has(pool: Pool, volume: str) -> Any:
    return pool.has(f"volume-{volume}")


def base(pool: Pool, key: str) -> Any:
    """The bytes of an image that is in the pool, whole; 0 for another."""
    with suppress(rbd.ImageNotFound), pool.image(f"image-{key}", read_only=True) as image:
        return image.size() if any(item["name"] == BASE for item in image.list_snaps()) else 0
    return 0


def content(pool: Pool, url: str) -> Any:
    """The bytes of an image of the image store, "pool/image"; 0 where it is not there, or not whole."""
    other, _, name = url.partition("/")
    gone = (rados.ObjectNotFound, rbd.ImageNotFound)
    with suppress(*gone), _opened(pool, other) as io, rbd.Image(io, name, read_only=True) as image:
        return image.size() if any(item["name"] == BASE for item in image.list_snaps()) else 0
    return 0


@contextmanager
def _opened(pool: Pool, other: str) -> Iterator[Any]:
    if other == pool.name:
        yield pool.io
        return
    io = pool.cluster.open_ioctx(other)
    try:
        yield io
    finally:
        io.close()


def clone_content(pool: Pool, url: str, new: str, size: int) -> None:
    """Clone an image of the image store, whatever its pool. Raises Refused for one that is gone."""
    other, _, name = url.partition("/")
    try:
        with _opened(pool, other) as origin:
            pool.rbd.clone(origin, name, BASE, pool.io, new)
    except (rados.ObjectNotFound, rbd.ImageNotFound) as error:
        raise Refused("no-source", url) from error
    with pool.image(new) as image:
        image.resize(size)


def begin_base(pool: Pool, new: str, size: int) -> Any:
    """Have an image to copy an image's data into, under a name that nobody else uses."""
    pool.rbd.create(pool.io, f"new-{new}", size, old_format=False)
    pool.mark(f"new-{new}")


def end_base(pool: Pool, key: str, new: str, whole: bool) -> Any:
    """A copy that is whole becomes the base, unless another host was faster; else it is removed."""
    with pool.locked(key, removing=not whole):
        if whole and not base(pool, key):
            _forget_base(pool, f"image-{key}")
            with pool.image(f"new-{new}") as image:
                image.create_snap(BASE)
            pool.rename(f"new-{new}", f"image-{key}")
        else:
            pool.remove(f"new-{new}")


def _forget_base(pool: Pool, name: str) -> None:
    """Remove what is no base: of a removal that was cut short. What is not this cloud's stays."""
    with suppress(rbd.ImageNotFound):
        with pool.image(name, read_only=True, leaving=True) as image:
            is_ours = pool.is_ours(image)
        if is_ours:
            pool.remove(name)


def create(pool: Pool, volume: str, size: int, source: dict[str, str]) -> Any:
    """Make a volume, empty or as a clone. It has its name once it is whole. The source's size is compared before."""
    name, new = f"volume-{volume}", f"new-{volume}"
    other = source.get("volume") or source.get("base") or volume
    exclusive = (volume,) if "base" in source else (volume, other)
    with pool.locked(*exclusive, shared=other if "base" in source else ""):
        if pool.settle(new, name):
            return
        pool.remove(new)
        try:
            if "base" in source:
                if not base(pool, other):
                    raise Refused("busy", f"the image {other} went a moment ago")
                pool.clone(f"image-{other}", BASE, new, size)
            elif "content" in source:
                clone_content(pool, source["content"], new, size)
            elif "volume" in source:
                _clone(pool, source, new, size)
            else:
                pool.rbd.create(pool.io, new, size, old_format=False)
            pool.mark(new)
            pool.rename(new, name)
        except BaseException:
            pool.remove(new)
            raise


def _clone(pool: Pool, source: dict[str, str], new: str, size: int) -> None:
    """Clone a snapshot, or a volume as it is: its own snapshot is forgotten at once, and goes with the clone."""
    origin, snapshot = f"volume-{source['volume']}", source.get("snapshot")
    try:
        with pool.image(origin) as image:
            if snapshot is None:
                _check_fits(image.size(), size)
                if new in {item["name"] for item in image.list_snaps()}:
                    image.remove_snap(new)  # of a copy that was cut short
                image.create_snap(new)
                try:
                    pool.clone(origin, new, new, size)
                finally:
                    image.remove_snap(new)
            else:
                if snapshot not in snapshots(image):
                    raise Refused("no-source", snapshot)
                image.set_snap(f"snapshot-{snapshot}")
                _check_fits(image.size(), size)
                pool.clone(origin, f"snapshot-{snapshot}", new, size)
    except rbd.ImageNotFound as error:
        raise Refused("no-source", str(error)) from error


def _check_fits(source: int, size: int) -> None:
    if source > size:
        raise Refused("too-small", f"{source} bytes into {size}")


def deep(pool: Pool, volume: str) -> Any:
    """Whether a clone of the volume is a copy."""
    return pool.has(f"volume-{volume}") and pool.depth(f"volume-{volume}") >= DEEPEST


def delete(pool: Pool, volume: str) -> Any:
    """Delete a volume with what a copy that was cut short has left. Absent is success."""
    with pool.locked(volume, removing=True):
        pool.remove(f"new-{volume}")
        pool.remove(f"volume-{volume}")
        pool.unlock_for_good(volume)


def extend(pool: Pool, volume: str, size: int) -> Any:
    """Let a volume have ``size`` bytes, whole GiB, and the header of one that is encrypted. Returns both together.

    Raises Refused for fewer than it has.
    """
    with pool.locked(volume), pool.image(f"volume-{volume}") as image:
        size += image.size() % GIB
        if image.size() > size:
            raise Refused("too-small", f"{image.size()} bytes now")
        if image.size() < size:
            image.resize(size)
    return size


def snapshot(pool: Pool, volume: str, snapshot: str) -> Any:
    """Make a snapshot of a volume. Present is success."""
    with pool.locked(volume), pool.image(f"volume-{volume}") as image:
        if snapshot not in snapshots(image):
            image.create_snap(f"snapshot-{snapshot}")


def forget_snapshot(pool: Pool, volume: str, snapshot: str) -> Any:
    """Delete a snapshot of a volume. Absent is success."""
    with suppress(rbd.ImageNotFound), pool.locked(volume, removing=True), pool.image(f"volume-{volume}") as image:
        if snapshot in snapshots(image):
            unprotect(image, f"snapshot-{snapshot}")
            image.remove_snap(f"snapshot-{snapshot}")


def revert(pool: Pool, volume: str, snapshot: str) -> Any:
    """Give a volume the content of a snapshot. Raises Refused without it, and while a client has the volume open."""
    with pool.locked(volume), pool.image(f"volume-{volume}") as image:
        if snapshot not in snapshots(image):
            raise Refused("no-snapshot", snapshot)
        if pool.strangers(image):  # of a guest that ended a moment ago: the cluster forgets it within 30 s
            raise Refused("busy", "another client has the volume open")
        image.rollback_to_snap(f"snapshot-{snapshot}")


def residue(pool: Pool, remove: bool) -> Any:
    """What this cloud never finished: nobody works on it, nor has it open. Bases that no volume is a clone of."""
    rows = []
    for name in pool.names():
        key = name.partition("-")[2]
        if name.startswith("new-") and is_uuid(key):
            with suppress(Refused, rbd.ImageNotFound), pool.locked(key, removing=True):
                if _is_left(pool, name):
                    rows.append(f"unfinished volume {key}")
                    if remove:
                        pool.remove(name)
        elif name.startswith("image-") and remove:
            with suppress(Refused, rbd.ImageNotFound), pool.locked(key, removing=True):
                if _is_unused(pool, name):
                    pool.remove(name)
    if remove:
        _empty_trash(pool)
    return rows


def _empty_trash(pool: Pool) -> None:
    """What clones needed when it was removed, and what a removal that was cut short has left."""
    for image_id, name, is_moving in list(pool.trash()):
        kind, _, key = name.partition("-")
        if kind != "image" and not (kind in UNIQUE and is_uuid(key[:36])):
            continue
        if is_moving:
            if pool.id_of(name) == image_id or not pool.can_discard(image_id):  # its removal by name ends the first
                continue
            pool.end_move(image_id)
        pool.discard(image_id)


def _is_left(pool: Pool, name: str) -> bool:
    """An image's data is copied without a lock, by a client that has it open; there is a moment before and after."""
    with pool.image(name, read_only=True, leaving=True) as image:
        is_young = _age(image) < timedelta(seconds=MOMENT_SECONDS)
        return pool.is_ours(image) and not pool.strangers(image) and not is_young


def _is_unused(pool: Pool, name: str) -> bool:
    with pool.image(name, read_only=True, leaving=True) as image:
        if not pool.is_ours(image) or _age(image) < timedelta(days=UNUSED_DAYS):
            return False
        if all(item["name"] != BASE for item in image.list_snaps()):
            return True  # its removal was cut short
        image.set_snap(BASE)
        return not list(image.list_children())


def _age(image: Any) -> timedelta:
    made: datetime = image.create_timestamp()
    return datetime.now(UTC) - made.replace(tzinfo=UTC)


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID as this project writes them."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
