"""Disks of servers in a pool: `disk-<server>-<name>`, clones of images, with the snapshot `kept` while a move may be
undone. The object `celerity_kept.<cloud>` says for which hosts: JSON by server. A return is noted there before it
begins: the next operation on the disks ends it.
"""

import json
from contextlib import suppress
from typing import Any

import clients
import rados
import rbd
import work
from pool import Pool, Refused, unprotect

KEPT = "kept"
COPIED = "copied"
FORM = "celerity_format"
UNKEPT = ("swap", "rescue")  # nothing in them outlives a guest that is off


def _image(server: str, name: str) -> str:
    return f"disk-{server}-{name}"


def _names(pool: Pool, server: str) -> list[str]:
    prefix = _image(server, "")
    return sorted(item.removeprefix(prefix) for item in pool.names() if item.startswith(prefix))


def disks_of(pool: Pool, server: str, hours: int = 24) -> Any:
    """The disks of a server, ready for a guest: names, bytes, formats. A return that was cut off is ended before."""
    if _is_returning(pool, server):
        with pool.locked(server):
            _end_return(pool, server, hours)
    rows = []
    for name in _names(pool, server):
        with suppress(rbd.ImageNotFound), pool.image(_image(server, name), read_only=True) as image:
            rows.append([name, image.size(), _form(image)])
    return rows


def _form(image: Any) -> str:
    try:
        return str(image.metadata_get(FORM))
    except KeyError:
        return "raw"


def is_ours(pool: Pool, server: str) -> Any:
    """Whether the disks of a server are this cloud's, also those whose removal was cut short."""
    for name in _names(pool, server):
        with suppress(rbd.ImageNotFound), pool.image(_image(server, name), read_only=True, leaving=True) as image:
            return pool.is_ours(image)
    return False


def servers_with_disks(pool: Pool) -> Any:
    """The ids of the servers that have disks in the pool."""
    names = (item.removeprefix("disk-") for item in pool.names() if item.startswith("disk-"))
    return sorted({name[:36] for name in names if work.is_uuid(name[:36])})


def names_of_disks(pool: Pool) -> Any:
    """List the images that are servers' disks, of whatever cloud."""
    return [name for name in pool.names() if name.startswith("disk-")]


def make_disk(pool: Pool, server: str, name: str, size: int, source: dict[str, str], form: str) -> Any:
    """Make a disk, empty, as a clone, or of an image that was filled; return its bytes. One that is there is kept."""
    target, new = _image(server, name), f"new-{source.get('new', server)}"
    with pool.locked(server, shared=source.get("key", "")):
        if pool.settle(new, target):
            with pool.image(target, read_only=True) as image:
                return int(image.size())
        if "new" not in source:
            pool.remove(new)
        try:
            if "image" in source:
                work.clone_content(pool, f"{source['pool']}/{source['image']}", new, size)
            elif "new" not in source:
                pool.rbd.create(pool.io, new, size, old_format=False)
            pool.mark(new)
            with pool.image(new) as image:
                image.metadata_set(FORM, form)
            pool.rename(new, target)
        except BaseException:
            pool.remove(new)
            raise
    return size


def drop_disk(pool: Pool, server: str, name: str, hours: int) -> Any:
    """Remove a disk; who has it open still may write no more. Absent is success."""
    with pool.locked(server, removing=True):
        _drop(pool, _image(server, name), hours)


def drop_disks(pool: Pool, server: str, hours: int) -> Any:
    """Remove the disks of a server, and what is known of it."""
    with pool.locked(server, removing=True):
        for name in _names(pool, server):
            _drop(pool, _image(server, name), hours)
        with suppress(rbd.ImageNotFound):
            pool.remove(f"new-{server}")
        _note(pool, server, None)
        with suppress(rados.ObjectNotFound):
            pool.io.remove_object(f"celerity_lock.{server}")


def _drop(pool: Pool, name: str, hours: int) -> None:
    """What is not this cloud's stays."""
    with suppress(rbd.ImageNotFound):
        with pool.image(name, read_only=True, leaving=True) as image:
            if not pool.is_ours(image):
                raise Refused("unavailable", f"{name} is not of this cloud")
        _fence(pool, name, hours)
        pool.remove(name)


def fence_disks(pool: Pool, server: str, hours: int) -> Any:
    """Let no client that has a disk of the server open write any more. What one of them was to copy, it does not."""
    with pool.locked(server, removing=True):
        _end_return(pool, server, hours)
        for name in _names(pool, server):
            _fence(pool, _image(server, name), hours)
        _unmark(pool, server)


def _fence(pool: Pool, name: str, hours: int) -> None:
    with pool.image(name, read_only=True, leaving=True) as image:
        writers = clients.clients_of(pool, image)
    for client in writers:
        clients.block(pool, client, hours)


def grow_disk(pool: Pool, server: str, name: str, size: int) -> Any:
    """Let a disk have at least ``size`` bytes."""
    with pool.locked(server), pool.image(_image(server, name)) as image:
        if image.size() < size:
            image.resize(size)
        return image.size()


def keep_disks(pool: Pool, server: str, host: str) -> Any:
    """Keep the disks as they are now, for a host. What is kept already stays as it is."""
    with pool.locked(server):
        _end_return(pool, server, 24)
        known = kept(pool).get(server)
        if known is None:
            for name in _names(pool, server):  # of a move whose note is lost: nobody returns to that
                _unkeep(pool, server, name)
            known = {"host": host, "disks": [name for name in _names(pool, server) if name not in UNKEPT]}
            _note(pool, server, known)
        for name in known["disks"]:
            with pool.image(_image(server, name)) as image:
                if not _is_kept(image):
                    image.create_snap(KEPT)


def return_disks(pool: Pool, server: str, hours: int) -> Any:
    """Give the disks the content that was kept, and remove others. Repeated, it gives the same."""
    with pool.locked(server):
        known = kept(pool).get(server)
        if known is not None:
            _note(pool, server, {**known, "returning": True})
            _end_return(pool, server, hours)


def _is_returning(pool: Pool, server: str) -> bool:
    return bool(kept(pool).get(server, {}).get("returning"))


def _end_return(pool: Pool, server: str, hours: int) -> None:
    """End a return that has begun. Its snapshots stay until all disks are as they were: it may be cut off again."""
    known = kept(pool).get(server)
    if known is None or not known.get("returning"):
        return
    for name in _names(pool, server):
        if name not in known["disks"]:
            _drop(pool, _image(server, name), hours)
    for name in known["disks"]:
        with suppress(rbd.ImageNotFound):
            _fence(pool, _image(server, name), hours)
            with pool.image(_image(server, name)) as image:
                if _is_kept(image):
                    image.rollback_to_snap(KEPT)
    _forget(pool, server)


def forget_kept(pool: Pool, server: str) -> Any:
    """Keep the disks of before no longer. Absent is success."""
    with pool.locked(server, removing=True):
        _end_return(pool, server, 24)
        _forget(pool, server)


def _forget(pool: Pool, server: str) -> None:
    """The note that they are kept goes last."""
    known = kept(pool).get(server)
    if known is None:
        return
    for name in known["disks"]:
        _unkeep(pool, server, name)
    _note(pool, server, None)


def _unkeep(pool: Pool, server: str, name: str) -> None:
    with suppress(rbd.ImageNotFound), pool.image(_image(server, name)) as image:
        if _is_kept(image):
            unprotect(image, KEPT)
            image.remove_snap(KEPT)


def mark_disk(pool: Pool, server: str) -> Any:
    """Make a snapshot of the root disk, to be copied."""
    with pool.locked(server), pool.image(_image(server, "root")) as image:
        if _has_snapshot(image, COPIED):
            image.remove_snap(COPIED)
        image.create_snap(COPIED)


def mark_of(pool: Pool, server: str) -> Any:
    """The suffix of what is to be copied; "" for the disk as it is."""
    with pool.image(_image(server, "root"), read_only=True) as image:
        return f"@{COPIED}" if _has_snapshot(image, COPIED) else ""


def unmark_disk(pool: Pool, server: str) -> Any:
    """Absent is success."""
    with pool.locked(server, removing=True):
        _unmark(pool, server)


def _unmark(pool: Pool, server: str) -> None:
    with suppress(rbd.ImageNotFound), pool.image(_image(server, "root")) as image:
        if _has_snapshot(image, COPIED):
            image.remove_snap(COPIED)


def _is_kept(image: Any) -> bool:
    return _has_snapshot(image, KEPT)


def _has_snapshot(image: Any, name: str) -> bool:
    return any(item["name"] == name for item in image.list_snaps() if item.get("namespace", 0) == 0)


def kept(pool: Pool) -> Any:
    """Of which servers disks are kept, and for which host."""
    return {server: json.loads(value) for server, value in pool.notes(_notes_of(pool))}


def _notes_of(pool: Pool) -> str:
    """The object of this cloud's notes."""
    return f"celerity_kept.{pool.cloud}"


def _note(pool: Pool, server: str, known: Any) -> None:
    with rados.WriteOpCtx() as operation:
        if known is None:
            pool.io.remove_omap_keys(operation, (server,))
        else:
            pool.io.set_omap(operation, (server,), (json.dumps(known).encode(),))
        with suppress(rados.ObjectNotFound):
            pool.io.operate_write_op(operation, _notes_of(pool))
