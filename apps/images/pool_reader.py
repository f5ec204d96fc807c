"""A program that Debian's Python runs, whose librbd it needs: writes a snapshot, from a byte on, to its output.

It ends when nobody reads that any more.
"""

import sys

import rados
import rbd

CHUNK = 4 << 20
LIMITS = {"client_mount_timeout": "5", "rados_mon_op_timeout": "15", "rados_osd_op_timeout": "30"}


def main() -> None:
    """Arguments: the cluster's configuration, user, keyring and pool; the image, its snapshot, the first byte."""
    conf, user, keyring, pool, name, snapshot, first = sys.argv[1:]
    with (
        rados.Rados(conffile=conf, rados_id=user, conf={**LIMITS, "keyring": keyring}) as cluster,
        cluster.open_ioctx(pool) as io,
        rbd.Image(io, name, snapshot=snapshot, read_only=True) as image,
    ):
        at, size = int(first), image.size()
        while at < size:
            data = image.read(at, min(CHUNK, size - at))
            sys.stdout.buffer.write(data)
            at += len(data)


if __name__ == "__main__":
    main()
