"""What a pool's images are called, as librbd notes it in objects of the pool: read without opening any of them."""

from collections.abc import Iterator
from typing import Any

import rados

TRASH = "rbd_trash"  # an object: every image goes through it when it is removed
NORMAL, MOVING = 0, 1  # what is in the trash, and what is on its way there
PAGE = 1000


class Directory:
    """A part of Pool."""

    io: Any

    def has(self, name: str) -> bool:
        """Return whether the pool's directory has an image of this name."""
        return bool(self.id_of(name))

    def id_of(self, name: str) -> str:
        """The id that the directory has for a name, after its length; "" for none."""
        try:
            with rados.ReadOpCtx() as operation:
                rows, _ = self.io.get_omap_vals_by_keys(operation, (f"name_{name}",))
                self.io.operate_read_op(operation, "rbd_directory")
                return str(dict(rows).get(f"name_{name}", b"")[4:], "utf-8")
        except rados.ObjectNotFound:
            return ""

    def names(self) -> list[str]:
        """The names in the pool's directory. librbd also lists what it has begun to remove and clones still need."""
        return [key.removeprefix("name_") for key, _ in self.notes("rbd_directory", "name_")]

    def notes(self, name: str, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """What an object has by keys that begin so; nothing of one that is not there."""
        after = ""
        while True:
            try:
                with rados.ReadOpCtx() as operation:
                    values, _ = self.io.get_omap_vals(operation, after, prefix, PAGE)
                    self.io.operate_read_op(operation, name)
                    rows = list(values)
            except rados.ObjectNotFound:
                return
            if not rows:  # a page is shorter where the cluster gives fewer at a time
                return
            yield from rows
            after = rows[-1][0]

    def is_leaving(self, name: str) -> bool:
        """Return whether the removal of an image was cut short, or is under way: librbd forgets the id of a name first,
        and takes the name out of the directory then. When an image is made or renamed, the id is there before.
        """
        return bool(self.leaving_id(name))

    def leaving_id(self, name: str) -> str:
        """The id of an image whose removal was cut short, or is under way; "" for another."""
        image_id = self.id_of(name)
        try:
            self.io.stat(f"rbd_id.{name}")
        except rados.ObjectNotFound:
            return image_id
        return ""

    def header_of(self, image_id: str, *keys: str) -> dict[str, bytes]:
        """What an image's header has by these keys, in the trash too; nothing without a header. It is not opened:
        librbd says of one that is damaged, or whose parent is, that there is none.
        """
        try:
            with rados.ReadOpCtx() as operation:
                rows, _ = self.io.get_omap_vals_by_keys(operation, keys)
                self.io.operate_read_op(operation, f"rbd_header.{image_id}")
                return dict(rows)
        except rados.ObjectNotFound:
            return {}

    def snapshots_of(self, name: str) -> Iterator[tuple[str, int]]:
        """The names and bytes of an image's snapshots, also of those that only the trash has; nothing of one that is
        not there. It is not opened, which costs more: a note is a header of six bytes, the number, the length of the
        name, the name, the bytes, and more.
        """
        for _, value in self.notes(f"rbd_header.{self.id_of(name)}", "snapshot_"):
            end = 18 + int.from_bytes(value[14:18], "little")
            yield value[18:end].decode(), int.from_bytes(value[end : end + 8], "little")

    def trash(self) -> Iterator[tuple[str, str, bool]]:
        """The ids and names of what is in the trash, and whether it is on its way there. librbd does not list its own
        removals that were cut short. A value is a header of six bytes, a byte for the source, the length of the name,
        the name, two times, and since the second version the state.
        """
        for key, value in self.notes(TRASH, "id_"):
            end = 11 + int.from_bytes(value[7:11], "little")
            yield key.removeprefix("id_"), value[11:end].decode(), value[0] > 1 and value[-1] == MOVING

    def end_move(self, image_id: str) -> None:
        """Note that an image is in the trash: the process that moved it was killed before it did."""
        what = len(image_id).to_bytes(4, "little") + image_id.encode() + bytes((NORMAL, MOVING))
        self.io.execute(TRASH, "rbd", "trash_state_set", what)
