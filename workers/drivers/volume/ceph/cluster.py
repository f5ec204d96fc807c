"""A pool as a host reaches it: the cluster's configuration, the user's key, what it refuses, and copies of data."""

from __future__ import annotations

import configparser
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers.errors import AbortError, RetryableError, Stopped
from workers.drivers.volume.ceph.calls import Calls, Refused
from workers.drivers.volume.errors import (
    PoolBusy,
    PoolFull,
    PoolUnavailable,
    SnapshotNotFound,
    SourceUnavailable,
    VolumeNotFound,
    VolumeTooSmall,
)
from workers.drivers.volume.specs import GuestDisk
from workers.system import files, processes

LONG_S = 3 * 3600.0
_ERRORS: dict[str, tuple[type[RetryableError | AbortError], str]] = {
    "absent": (VolumeNotFound, "The volume is not in the pool."),
    "no-source": (SourceUnavailable, "The volume's source is not in the pool."),
    "no-snapshot": (SnapshotNotFound, "The volume has no such snapshot."),
    "too-small": (VolumeTooSmall, "The volume would be smaller than its source, or than it is."),
    "busy": (PoolBusy, "Another operation on the volume is under way."),
    "full": (PoolFull, "The pool has no space for the volume."),
    "unavailable": (PoolUnavailable, "The storage cluster refused."),
}
_NO_ACCESS = "The host has no access to the storage cluster."
# Each wait has a limit; clones need no protected snapshots.
_OWN = """
[client.{user}]
keyring = {keyring}
client_mount_timeout = 5
rados_mon_op_timeout = 15
rados_osd_op_timeout = 30
rbd_default_clone_format = 2
"""


class Cluster:
    """One pool, one user. Options: `ceph_pool`, `ceph_conf`, `ceph_user`, `ceph_keyring`, `cloud`."""

    def __init__(self, options: Mapping[str, Any], conf: Path) -> None:
        """Remember them; nothing is touched. `conf` is written before the first use."""
        self.pool, self.user, self.conf = str(options["ceph_pool"]), str(options["ceph_user"]), conf
        self._conf, self._keyring = Path(options["ceph_conf"]), Path(options["ceph_keyring"])
        self._calls = Calls(conf, self.user, self.pool, str(options.get("cloud") or "celerity"))
        self._facts: dict[str, Any] = {}

    def do(self, what: str, **arguments: Any) -> Any:
        """Have something done in the pool. Raises what the contract says."""
        self.configure()
        try:
            return self._calls.run(what, **arguments)
        except Refused as error:
            kind, text = _ERRORS.get(error.kind, _ERRORS["unavailable"])
            raise kind(text, details=error.details) from error

    def configure(self) -> None:
        """Write the cluster's configuration with limits for waiting, and where the key is."""
        try:
            text = self._conf.read_text() + _OWN.format(user=self.user, keyring=self._keyring)
        except OSError as error:
            raise PoolUnavailable(_NO_ACCESS, details=str(error)) from error
        if files.read(self.conf) != text.encode():
            files.make_directory(self.conf.parent, 0o711)
            files.write(self.conf, text.encode())

    def guest_disk(self, image: str) -> GuestDisk:
        """What a guest needs to have an image."""
        if not self._facts:
            self._facts = self.do("facts")
        secret = uuid.uuid5(uuid.UUID(self._facts["fsid"]), f"client.{self.user}")
        return GuestDisk(self.pool, image, tuple(self._facts["monitors"]), self.user, str(secret), self._key())

    def _key(self) -> str:
        known = configparser.ConfigParser(strict=False)
        try:
            known.read_string("\n".join(line.strip() for line in self._keyring.read_text().splitlines()))
            return known[f"client.{self.user}"]["key"]
        except (OSError, KeyError, configparser.Error):
            details = f"{self._keyring} has no key of client.{self.user}"
            raise PoolUnavailable(_NO_ACCESS, details=details) from None

    def url(self, image: str) -> str:
        """An image, for QEMU's tools."""
        return f"rbd:{self.pool}/{image}:id={self.user}:conf={self.conf}"

    def convert(
        self, source: tuple[str, str], target: tuple[str, str], stop: Event | None, reserve_gib: int = 0
    ) -> None:
        """Copy data between a file and an image that is there; each is a format and a name.

        `reserve_gib` of a file's file system stay free. Raises Stopped, PoolFull.
        """

        def poll() -> None:
            if not there and shutil.disk_usage(Path(target[1]).parent).free < reserve_gib << 30:
                raise PoolFull("The host has no space for the copy.", details=target[1])
            if stop is not None and stop.is_set():
                raise Stopped("The operation was stopped.")

        self.configure()
        there = ["-n"] if target[1].startswith("rbd:") else []
        argv = ["qemu-img", "convert", "-q", *there, "-f", source[0], "-O", target[0], source[1], target[1]]
        try:
            processes.run(argv, timeout_s=LONG_S, memory_limit_mib=4096, poll=poll, dies_with_caller=True)
        except processes.ProcessError as error:
            if there and not Path(source[1]).exists():
                raise SourceUnavailable("The image is not on the host.", details=error.details) from error
            raise PoolUnavailable("The host could not copy the data.", details=error.details) from error

    def close(self) -> None:
        """End the processes that wait for work."""
        self._calls.close()
