"""A program that Debian's Python runs, whose librbd it needs: writes a snapshot, from a byte on, to its output.

It ends when nobody reads that any more.
"""

import sys
from typing import Any

import rados
import rbd

FIRST, CHUNK = 1 << 20, 16 << 20
LIMITS = {"client_mount_timeout": "5", "rados_mon_op_timeout": "15", "rados_osd_op_timeout": "30"}


def main() -> None:
    """Arguments: the cluster's configuration, user, keyring and pool; the image, its snapshot, the first byte."""
    conf, user, keyring, pool, name, snapshot, first = sys.argv[1:]
    with (
        rados.Rados(conffile=conf, rados_id=user, conf={**LIMITS, "keyring": keyring}) as cluster,
        cluster.open_ioctx(pool) as io,
        rbd.Image(io, name, snapshot=snapshot, read_only=True) as image,
    ):
        at, size, chunk = int(first), image.size(), FIRST
        while at < size:
            data = image.read(at, min(chunk, size - at))
            check(io, image.id(), snapshot)
            sys.stdout.buffer.write(data)
            at, chunk = at + len(data), min(2 * chunk, CHUNK)


def check(io: Any, image_id: str, snapshot: str) -> None:
    """End the program if the snapshot is gone: what was read of it since may be zeros, which nobody would notice."""
    with rbd.Image(io, image_id=image_id, read_only=True) as image:
        if snapshot not in {item["name"] for item in image.list_snaps()}:
            sys.exit("the snapshot is gone")


if __name__ == "__main__":
    main()
