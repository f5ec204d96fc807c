"""A process that works on a Ceph pool: requests on stdin, answers on stdout, a line of JSON each.

It is a separate program, which Debian's Python runs: librbd and librados are Debian's, and nothing can end a thread
that waits for a cluster inside of them. The driver ends the process instead. It ends itself when its stdin does.
"""

import errno
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

import clients
import disks
import rados
import rbd
import unmanaged
import work
from pool import Pool, Refused

KINDS = {errno.ENOENT: "absent", errno.ENOSPC: "full", errno.EDQUOT: "full", errno.EBUSY: "busy"}
OF_VOLUMES = (
    "facts", "room", "volumes", "has", "base", "content", "begin_base", "end_base", "create", "deep", "delete",
    "extend", "snapshot", "forget_snapshot", "revert", "residue",
)  # fmt: skip
OF_UNMANAGED = ("unmanaged", "adopt", "release", "unmanaged_snapshots", "rename_snapshot")
OF_CLIENTS = ("fence", "introduce", "block")
OF_DISKS = (
    "disks_of", "names_of_disks", "servers_with_disks", "make_disk", "drop_disk", "drop_disks", "fence_disks",
    "grow_disk", "keep_disks", "return_disks", "forget_kept", "kept", "mark_disk", "mark_of",
    "unmark_disk", "is_ours",
)  # fmt: skip
OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(work, name) for name in OF_VOLUMES},
    **{name: getattr(unmanaged, name) for name in OF_UNMANAGED},
    **{name: getattr(clients, name) for name in OF_CLIENTS},
    **{name: getattr(disks, name) for name in OF_DISKS},
}


def answer(pool: Pool, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks for; return its result, or why it was refused."""
    try:
        return {"result": OPERATIONS[request.pop("do")](pool, **request)}
    except Refused as error:
        return {"refused": error.kind, "details": error.details}
    except Exception as error:
        kind = KINDS.get(getattr(error, "errno", 0), "unavailable")
        return {"refused": kind, "details": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answer requests, a line each, until standard input ends."""
    requests: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            requests.put(line)
        os._exit(0)

    conf, user, name, cloud = sys.argv[1:5]
    threading.Thread(target=read, daemon=True).start()
    try:
        pool = Pool(conf, user, name, cloud)
    except (rados.Error, rbd.Error) as error:
        print(json.dumps({"refused": "unavailable", "details": str(error)}), flush=True)
        os._exit(1)
    print(json.dumps({"result": pool.cluster.get_addrs()}), flush=True)
    while True:
        print(json.dumps(answer(pool, json.loads(requests.get()))), flush=True)


if __name__ == "__main__":
    main()
