"""The pool of a host: its directory, the locks of its volumes, and the daemons that export them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from workers.drivers import values
from workers.drivers.volume.errors import PoolBusy, PoolFull, PoolUnavailable, VolumeNotFound
from workers.drivers.volume.local import chains, records, sharing
from workers.drivers.volume.local.chains import GIB
from workers.drivers.volume.local.daemon import Daemon
from workers.drivers.volume.local.records import Record
from workers.drivers.volume.local.relays import Credentials
from workers.drivers.volume.specs import UNMANAGED, VolumeInfo
from workers.system import files, locks
from workers.system.paths import HostPaths

MARK = ".celerity-volumes"  # in a shared directory that is no mount point
RUN_DIR = "/run/celerity-volumes"
_LOCK_TIMEOUT_S = 2.0


class Pool:
    """What LocalVolumes stands on; its options are described there."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        root = Path(options.get("volume_dir") or Path(options["state_dir"]) / "volumes")
        self.reserved_gib = int(options.get("reserved_gib", 2))
        self._pool = records.Directory(root)
        self._mark = root / MARK if options.get("shared") else None
        self._locks = HostPaths(Path(options["state_dir"])).locks
        # Two pools of one machine keep their sockets apart.
        own = hashlib.sha256(str(root).encode()).hexdigest()[:12]
        self._run = Path(options.get("run_dir") or RUN_DIR) / own
        self._far = self._run.with_name(f"{own}.far")  # connections to exports of other hosts
        pki = options.get("pki_dir")
        self._credentials = Credentials(Path(pki) if pki else None, self._run.with_name(f"{own}.tls"))

    @contextmanager
    def _locked(self, *volume_ids: str) -> Iterator[None]:
        """Hold the locks of volumes, in one order, among all processes of the host; in a shared pool, of all hosts."""
        with ExitStack() as stack:
            for volume_id in sorted(set(volume_ids)):
                values.check_uuid(volume_id, "a volume's id")
                try:
                    stack.enter_context(self._host_lock(volume_id, _LOCK_TIMEOUT_S))
                    if self._mark is not None:
                        stack.enter_context(sharing.lock(self._pool.root, volume_id, _LOCK_TIMEOUT_S))
                except locks.LockTimeout as error:
                    raise PoolBusy("Another operation on the volume is under way.") from error
            yield

    def _host_lock(self, volume_id: str, timeout_s: float) -> AbstractContextManager[None]:
        return locks.host_lock(self._locks, f"volume-{volume_id}", timeout_s=timeout_s)

    def _daemon(self, volume_id: str) -> Daemon:
        return Daemon(self._run / volume_id, self._pool.of(volume_id))

    def _serving(self, volume_id: str, chain: records.Chain) -> Daemon | None:
        """The volume's daemon with all exports that are to be open; None if there are none."""
        daemon = self._daemon(volume_id)
        wanted = daemon.wanted()
        if not wanted:
            daemon.end()  # one without exports was left by an operation that was killed
            return None
        if daemon.is_running():
            daemon.heal(chain[0])
        else:
            daemon.start(chain, wanted)
        return daemon

    @contextmanager
    def _running(self, volume_id: str, chain: records.Chain, serving: Daemon | None) -> Iterator[Daemon]:
        """The daemon that serves the volume; without one, another that runs for the block."""
        if serving is not None:
            yield serving
            return
        daemon = self._daemon(volume_id)
        daemon.start(chain)
        try:
            yield daemon
        finally:
            daemon.end()

    def _settled(self, volume_id: str) -> Record:
        """The volume's record, after the end of a snapshot that was cut short. Raises VolumeNotFound."""
        record = self._pool.load(volume_id)
        if record is None:
            raise VolumeNotFound("The volume is not on its host.", details=volume_id)
        self._check_not_elsewhere(volume_id, record)
        if record.pending:
            daemon = self._daemon(volume_id)
            if daemon.is_running() and daemon.wanted():
                daemon.switch(record.top)
            record = chains.settled(record)
            self._pool.save(volume_id, record)
        return record

    def _check_not_elsewhere(self, volume_id: str, record: Record) -> None:
        """Raise PoolBusy where another host exports a volume of a shared pool, whatever the rows say."""
        is_ours = self._mark is None or self._daemon(volume_id).is_running()
        if not is_ours and sharing.is_written(self._pool.of(volume_id) / record.top):
            raise PoolBusy("Another host has the volume open.", details=volume_id)

    def _strays(self, volume_id: str, *, remove: bool) -> list[str]:
        record, texts = self._pool.load(volume_id), []
        for path in self._pool.strays(volume_id, record):
            texts.append(f"file {volume_id}/{path.name}")
            if remove:
                path.unlink(missing_ok=True)
        if remove and record is None:
            files.remove_tree(self._pool.of(volume_id))
        return texts

    def _info(self, volume_id: str) -> VolumeInfo | None:
        record = self._pool.load(volume_id)
        if record is None:
            return None
        paths = (self._pool.of(volume_id) / layer for layer in record.layers())
        used = sum(path.stat().st_blocks * 512 for path in paths if path.exists())
        size = record.size // GIB  # the header of one that is encrypted is no part of it
        snapshots = tuple(key for key in sorted(record.snapshots) if not key.startswith(UNMANAGED))
        return VolumeInfo(volume_id, size, record.format, snapshots, used, shared=self._mark is not None)

    def _check_mounted(self) -> None:
        """An empty directory looks as one that is not mounted: a mark of the operator's tells them apart."""
        if self._mark is not None and not (os.path.ismount(self._pool.root) or self._mark.exists()):
            raise PoolUnavailable(
                "The shared directory of the volumes is not mounted on the host.",
                details=f"{self._pool.root} is no mount point and has no file {MARK}",
            )

    def _check_room(self) -> None:
        """Raise PoolFull where less is free than the reserve, PoolUnavailable where a shared directory is not there."""
        self._check_mounted()
        files.make_directory(self._pool.root, 0o700)
        free = shutil.disk_usage(self._pool.root).free
        if free < self.reserved_gib * GIB:
            raise PoolFull("The host has no space for volumes.", details=f"{free} bytes are free")
