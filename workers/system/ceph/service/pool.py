"""A connection to a Ceph pool: locks among all hosts, and images with what they need.

Names in the pool: `volume-<id>`; its snapshots `snapshot-<id>`; `new-<id>`, a volume that is being made; `image-<key>`
with the snapshot `base`, of which volumes are clones; `unmanaged-<name>`, what can become a volume, and snapshots of
volumes; objects `celerity_lock.<name>`: who works on what.
"""

import errno
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import rados
import rbd
from directory import TRASH, Directory

LEASE_SECONDS = 30  # of a lock; renewed all the time by a process that lives
LOCK_PATIENCE_SECONDS = 2.0
DEEPEST = 8  # clones of clones
LOCK = "celerity"
MUST_RENEW = 2
MARK = "celerity"
FULL = (errno.ENOSPC, errno.EDQUOT)
# Clones need it, a client has it open, an operator keeps it for a time, or it is not in the trash.
KEPT_IN_TRASH = (rbd.ImageHasSnapshots, rbd.ImageBusy, rbd.PermissionError, rbd.ImageNotFound)
UNREADABLE = (rbd.ImageNotFound, rbd.PermissionError, rbd.InvalidArgument)


class Refused(Exception):
    """An answer that is not a result."""

    def __init__(self, kind: str, details: str = "") -> None:
        super().__init__(details)
        self.kind, self.details = kind, details


class Pool(Directory):  # type: ignore[misc]  # no package: its program finds it by its path
    """A connection to a pool. Images of this cloud say so in their metadata: a pool may be others', too. `cloud`: what
    this one is called, and what it was called before.
    """

    def __init__(self, conf: str, user: str, pool: str, cloud: str) -> None:
        self.cluster = rados.Rados(conffile=conf, rados_id=user)
        self.cluster.connect()
        self.io = self.cluster.open_ioctx(pool)
        self.io.set_osdmap_full_try()  # a full pool refuses at once, and removes what gives room
        self.name, self.clouds, self.rbd = pool, cloud.split(), rbd.RBD()
        self.cloud = self.clouds[0]

    @contextmanager
    def locked(self, *names: str, shared: str = "", removing: bool = False) -> Iterator[None]:
        """Hold locks in the pool, among all hosts; ``shared`` with others that do. A process that cannot renew them
        ends: others have them then. A full pool takes no lock that is not there: nobody has it, and one that is
        ``removing`` something goes on without.
        """
        held: list[str] = []
        over = threading.Event()
        self._shared = shared
        try:
            for name in sorted({*names, *([shared] if shared else [])}):
                try:
                    self._lock(name)
                except rados.Error as error:
                    if not removing or error.errno not in FULL:
                        raise
                else:
                    held.append(name)
            threading.Thread(target=self._renew, args=(held, over), daemon=True).start()
            yield
        finally:
            over.set()
            for name in held:
                with suppress(rados.Error):
                    self.io.unlock(f"celerity_lock.{name}", LOCK, "")

    def unlock_for_good(self, name: str) -> None:
        """Remove a lock that the caller holds: nobody works on what has gone."""
        with suppress(rados.ObjectNotFound):
            self.io.remove_object(f"celerity_lock.{name}")

    def _lock(self, name: str) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                self._take(name, 0)
            except (rados.ObjectBusy, rados.ObjectExists):
                if time.monotonic() > deadline:
                    raise Refused("busy") from None
                time.sleep(0.1)
            else:
                return

    def _take(self, name: str, flags: int) -> None:
        if name == self._shared:
            self.io.lock_shared(f"celerity_lock.{name}", LOCK, "", LOCK, "", LEASE_SECONDS, flags)
        else:
            self.io.lock_exclusive(f"celerity_lock.{name}", LOCK, "", "", LEASE_SECONDS, flags)

    def _renew(self, names: list[str], over: threading.Event) -> None:
        while not over.wait(LEASE_SECONDS / 4):
            for name in names:
                try:
                    self._take(name, MUST_RENEW)
                except rados.Error:
                    if not over.is_set():
                        os._exit(75)

    def image(self, name: str, *, read_only: bool = False, leaving: bool = False) -> Any:
        """Open an image of the pool; ``leaving``: also one whose removal has begun. Raises rbd.ImageNotFound."""
        if leaving and (image_id := self.leaving_id(name)):
            return rbd.Image(self.io, image_id=image_id, read_only=read_only)
        return rbd.Image(self.io, name, read_only=read_only)

    def mark(self, name: str) -> None:
        """Note that an image is this cloud's. It can be removed when the pool is full: no trash is made then."""
        with rados.WriteOpCtx() as operation:
            operation.new(rados.LIBRADOS_CREATE_IDEMPOTENT)
            self.io.operate_write_op(operation, TRASH)
        with self.image(name) as image:
            image.metadata_set(MARK, self.cloud)

    def is_ours(self, image: Any) -> bool:
        """Return whether this cloud has made an image."""
        try:
            return str(image.metadata_get(MARK)) in self.clouds
        except KeyError:
            return False

    def can_discard(self, image_id: str) -> bool:
        """Return whether this cloud has made an image, and its data can go with it: it may be one that nobody can open.
        Of one without a header nobody knows whose it was; without its size librbd removes all but the data.
        """
        known = self.header_of(image_id, f"metadata_{MARK}", "size")
        return bool("size" in known and known.get(f"metadata_{MARK}", b"").decode(errors="replace") in self.clouds)

    def rename(self, source: str, target: str) -> None:
        """Give an image another name, which none has. Raises rbd.ImageNotFound."""
        if not self.settle(source, target):
            self.rbd.rename(self.io, source, target)

    def settle(self, source: str, target: str) -> bool:
        """Finish what a process that was killed began to rename, or to remove, and return whether an image has the name
        ``target``. Names are noted twice for a moment: the directory's is the true one.
        """
        if self.is_leaving(target):
            self.remove(target)
        is_renamed: bool = self.has(target)
        for name in (source, target):
            if not self.has(name):
                self._forget(name)
        return is_renamed

    def _forget(self, name: str) -> None:
        with suppress(rados.ObjectNotFound):
            self.io.remove_object(f"rbd_id.{name}")

    def limits(self) -> tuple[int, bool]:
        """The pool's quota in bytes, 0 for none, and whether the monitors hold the pool for full."""
        rows = {item["pool_name"]: item for item in self.ask(prefix="osd pool ls", detail="detail")}
        details = rows[self.name]
        return int(details["quota_max_bytes"]), "full" in details["flags_names"].split(",")

    def ask(self, **command: Any) -> Any:
        """Send a command to the monitors."""
        status, output, text = self.cluster.mon_command(json.dumps({**command, "format": "json"}), b"")
        if status != 0:
            raise Refused("unavailable", f"{command['prefix']}: {text}")
        return json.loads(output) if output else None

    def remove(self, name: str) -> None:
        """Remove an image and its snapshots, by way of the trash. One that clones need stays there until they are gone;
        so does one whose removal is cut short. Raises Refused while a client has it open.
        """
        image_id, parent = self.id_of(name), None
        if not image_id:
            self._forget(name)  # of what was renamed when its process was killed
            with suppress(rbd.ImageNotFound, rbd.ImageHasSnapshots):
                self.rbd.remove(self.io, name)  # librbd ends what it began itself, or versions before did
            return
        with suppress(rbd.ImageNotFound), rbd.Image(self.io, image_id=image_id) as image:
            if self.strangers(image):
                raise Refused("busy", f"a client has {name} open")
            parent = self._parent(image)
            for snapshot in image.list_snaps():
                if snapshot.get("namespace", 0) == rbd.RBD_SNAP_NAMESPACE_TYPE_USER:
                    unprotect(image, snapshot["name"])
                    image.remove_snap(snapshot["name"])
        try:
            self.rbd.trash_move(self.io, name, 0)
        except rbd.ImageNotFound as error:  # librbd says the same where there is no trash
            if self.limits()[1]:
                raise Refused("full", "a full pool without the object rbd_trash removes nothing") from error
            raise Refused("unavailable", f"the directory has {name}, but librbd does not find it") from error
        with suppress(*KEPT_IN_TRASH):
            self.rbd.trash_remove(self.io, image_id, True)
        if parent is not None:
            self.discard(parent)

    def discard(self, image_id: str) -> None:
        """Remove an image of this cloud from the trash, and those that only it needed."""
        if not self.can_discard(image_id):
            return
        parent = None
        with suppress(*UNREADABLE), rbd.Image(self.io, image_id=image_id, read_only=True) as image:
            parent = self._parent(image)
        with suppress(*KEPT_IN_TRASH):
            self.rbd.trash_remove(self.io, image_id)
            if parent is not None:
                self.discard(parent)

    def strangers(self, image: Any) -> list[str]:
        """Return the addresses of the clients that have an image open, but this one's."""
        own = self.cluster.get_instance_id()
        return [item["addr"] for item in image.watchers_list() if item["id"] != own]

    def _parent(self, image: Any) -> str | None:
        """The id of the image of this pool that an image is a clone of."""
        try:
            return str(image.parent_id()) if image.get_parent_image_spec()["pool_name"] == self.name else None
        except rbd.ImageNotFound:
            return None

    def clone(self, source: str, snapshot: str, name: str, size: int) -> None:
        """Make a clone, of a size. Of a clone of clones of clones it is a copy."""
        self.rbd.clone(self.io, source, snapshot, self.io, name)
        with self.image(name) as image:
            image.resize(size)
            if self.depth(name) > DEEPEST:
                image.flatten()

    def depth(self, name: str) -> int:
        """How many images lie below an image."""
        count, image = 0, self.image(name, read_only=True)
        while True:
            try:
                parent = self._parent(image)
            finally:
                image.close()
            if parent is None:
                return count
            count, image = count + 1, rbd.Image(self.io, image_id=parent, read_only=True)


def unprotect(image: Any, snapshot: str) -> None:
    """Snapshots of clusters that know clones of the first version alone."""
    if image.is_protected_snap(snapshot):
        image.unprotect_snap(snapshot)


def snapshots(image: Any) -> list[str]:
    """Return the IDs of the snapshots of an open image."""
    names = [item["name"] for item in image.list_snaps() if item.get("namespace", 0) == 0]
    return sorted(name.removeprefix("snapshot-") for name in names if name.startswith("snapshot-"))
