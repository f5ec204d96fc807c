"""Access to one pool: the configuration of the cluster with limits for waiting, the key of the user, and images."""

from __future__ import annotations

import configparser
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.system import files
from workers.system.ceph.calls import NO_ACCESS, Calls, Unavailable

LONG_S = 3 * 3600.0
# Each wait has a limit; clones need no protected snapshots.
_OWN = """
[client.{user}]
keyring = {keyring}
client_mount_timeout = 5
rados_mon_op_timeout = 15
rados_osd_op_timeout = 30
rbd_default_clone_format = 2
"""


@dataclass(frozen=True, slots=True)
class ClusterImage:
    """What guests of any host reach by themselves: an image of a pool, by its monitors (`address:port`).

    `secret` is the UUID by which the hypervisor knows the key of `user`; it is the same on all hosts.
    """

    pool: str
    image: str
    monitors: tuple[str, ...]
    user: str
    secret: str
    key: str = field(repr=False)


class PoolAccess:
    """One pool, one user. Options: `ceph_pool`, `ceph_conf`, `ceph_user`, `ceph_keyring`, `cloud`."""

    def __init__(self, options: Mapping[str, Any], conf: Path) -> None:
        """Remember them; nothing is touched. `conf` is written before the first use."""
        self.pool, self.user, self.conf = str(options["ceph_pool"]), str(options["ceph_user"]), conf
        self._conf, self._keyring = Path(options["ceph_conf"]), Path(options["ceph_keyring"])
        self._calls = Calls(conf, self.user, self.pool, str(options.get("cloud") or "celerity"))
        self._facts: dict[str, Any] = {}

    def call(self, what: str, **arguments: Any) -> Any:
        """Have something done in the pool. Raises Refused, Unavailable, Halted."""
        self.configure()
        return self._calls.run(what, **arguments)

    def configure(self) -> None:
        """Write the cluster's configuration with limits for waiting, and where the key is. Raises Unavailable."""
        try:
            text = self._conf.read_text() + _OWN.format(user=self.user, keyring=self._keyring)
        except OSError as error:
            raise Unavailable(NO_ACCESS, details=str(error)) from error
        if files.read(self.conf) != text.encode():
            files.make_directory(self.conf.parent, 0o711)
            files.write(self.conf, text.encode())

    def guest_disk(self, image: str) -> ClusterImage:
        """What a guest needs to have an image. Raises what `call` raises."""
        if not self._facts:
            self._facts = self.call("facts")
        secret = uuid.uuid5(uuid.UUID(self._facts["fsid"]), f"client.{self.user}")
        return ClusterImage(self.pool, image, tuple(self._facts["monitors"]), self.user, str(secret), self._key())

    def _key(self) -> str:
        known = configparser.ConfigParser(strict=False)
        try:
            known.read_string("\n".join(line.strip() for line in self._keyring.read_text().splitlines()))
            return known[f"client.{self.user}"]["key"]
        except (OSError, KeyError, configparser.Error):
            details = f"{self._keyring} has no key of client.{self.user}"
            raise Unavailable(NO_ACCESS, details=details) from None

    def url(self, image: str, *, pool: str = "") -> str:
        """An image, for QEMU's tools: of this pool, or of another one that the user has access to."""
        return f"rbd:{pool or self.pool}/{image}:id={self.user}:conf={self.conf}"

    def close(self) -> None:
        """End the processes that wait for work."""
        self._calls.close()
