"""The volume contract on a pool of a Ceph cluster. All hosts see it; guests reach it without an export."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers import values
from workers.drivers.errors import Stopped
from workers.drivers.volume.base import (
    Capabilities,
    Export,
    ExportSpec,
    Format,
    FromImage,
    FromSnapshot,
    FromVolume,
    GuestDisk,
    PoolUse,
    RemoteExport,
    Source,
    VolumeDriver,
    VolumeInfo,
    VolumeSpec,
)
from workers.drivers.volume.ceph import bases
from workers.drivers.volume.ceph.cluster import GIB, Cluster
from workers.drivers.volume.ceph.daemon import CHAIN, NODE, ImageDaemon
from workers.drivers.volume.ceph.unmanaged import Adoption
from workers.drivers.volume.errors import (
    NotSupported,
    PoolBusy,
    PoolFull,
    PoolUnavailable,
    VolumeInUse,
    VolumeNotFound,
    VolumeTooSmall,
)
from workers.system import files, locks
from workers.system.ceph.access import LONG_S
from workers.system.paths import HostPaths

RUN_DIR = "/run/celerity-volumes"
FENCE_HOURS = 24
_LOCK_TIMEOUT_S = 2.0


class CephVolumes(Adoption, VolumeDriver):
    """Options: `state_dir`, `ceph_pool`, `ceph_conf`, `ceph_user`, `ceph_keyring` (required), `host`, `cloud` (whose
    images in the pool are its own), `run_dir` (where sockets are), `reserved_gib` (2: what new volumes leave free).
    """

    capabilities = Capabilities(
        formats=("raw",), shared=True, real_bytes=True, snapshots_in_use=True, max_chain=0, direct=True, manages=True
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._reserved_gib = int(options.get("reserved_gib", 2))
        own = hashlib.sha256(f"{options['state_dir']} {options['ceph_pool']}".encode()).hexdigest()[:12]
        self._run = Path(options.get("run_dir") or RUN_DIR) / own
        self._cluster = Cluster(options, self._run.with_name(f"{own}.conf"))
        self._host = str(options.get("host") or "")
        self._copies = Path(options["state_dir"]) / "volume-copies"
        self._locks = HostPaths(Path(options["state_dir"])).locks

    def create_volume(self, volume: VolumeSpec, source: Source = None, stop: Event | None = None) -> VolumeInfo:
        size = volume.size_bytes
        with self._alone(volume.id):
            if not (self.has(volume.id) and self._infos(only=volume.id)):
                self._check_room()
                known = self._source(source, size, stop)
                limit_s = LONG_S if self._is_copy(source) else 60.0
                try:
                    self._cluster.do("create", volume=volume.id, size=size, source=known, limit_s=limit_s, stop=stop)
                except Stopped:
                    self._cluster.do("delete", volume=volume.id)
                    raise
            return self._only(volume.id)

    def copies(self, volume: VolumeSpec, source: Source) -> bool:
        """The first volume of an image copies it into the pool."""
        if isinstance(source, FromImage):
            return not bases.is_content(source) and not self._cluster.do("base", key=bases.key_of(source))
        return self._is_copy(source)

    def has_content(self, volume: VolumeSpec, in_pool: str) -> bool:
        return bool(self._cluster.do("content", url=in_pool))

    def delete_volume(self, volume_id: str) -> None:
        with self._alone(volume_id):
            self._check_not_exported(volume_id)
            self._daemon(volume_id).end()
            self._cluster.do("delete", volume=volume_id, limit_s=LONG_S)
            files.remove_tree(self._copies / volume_id)

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        with self._alone(volume_id):
            size = self._cluster.do("extend", volume=volume_id, size=size_gib * GIB)
            daemon = self._daemon(volume_id)
            if daemon.wanted():
                self._serve(daemon)
                daemon.resize(NODE, size)

    def check_free(self, volume_id: str) -> None:
        with self._alone(volume_id):
            pass

    def create_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        values.check_uuid(snapshot_id, "a snapshot's id")
        with self._alone(volume_id):
            self._check_room()
            self._cluster.do("snapshot", volume=volume_id, snapshot=snapshot_id, stop=stop)

    def delete_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        values.check_uuid(snapshot_id, "a snapshot's id")
        with self._alone(volume_id):
            self._cluster.do("forget_snapshot", volume=volume_id, snapshot=snapshot_id, stop=stop)

    def revert_volume(self, volume_id: str, snapshot_id: str) -> None:
        with self._alone(volume_id):
            self._check_not_exported(volume_id)
            self._cluster.do("revert", volume=volume_id, snapshot=snapshot_id, limit_s=LONG_S)

    def read_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> str:
        with self._alone(volume_id):
            self._check_exists(volume_id)
            self._check_not_exported(volume_id)
            directory = self._copies / volume_id
            files.make_directory(self._copies, 0o700)
            files.make_directory(directory, 0o700)
            path = directory / f"copy.{disk_format}"
            with files.appearing(path) as temporary:
                source = ("raw", self._cluster.url(f"volume-{volume_id}"))
                self._cluster.convert(source, (disk_format, str(temporary)), stop, self._reserved_gib)
            return str(path)

    def open_export(self, volume_id: str, export: ExportSpec) -> Export:
        """Of one that guests may use: who opens it knows that they do not. Other hosts need none."""
        if export.listening is not None:
            raise NotSupported("Every host reaches the volume by itself.")
        with self._alone(volume_id):
            self._check_exists(volume_id)
            daemon = self._daemon(volume_id)
            daemon.want([*(known for known in daemon.wanted() if known.name != export.name), export])
            self._serve(daemon)
            return Export(volume_id, export.name, str(daemon.socket))

    def close_export(self, volume_id: str, name: str | None) -> None:
        with self._alone(volume_id):
            daemon = self._daemon(volume_id)
            left = [known for known in daemon.wanted() if name is not None and known.name != name]
            if not left:
                daemon.end()
                return
            daemon.want(left)
            if daemon.is_running() and name is not None:
                daemon.remove(name)

    def connect(self, remote: RemoteExport) -> Export:
        raise PoolUnavailable("Every host reaches the volume by itself.", details=remote.volume_id)

    def disconnect(self, owner: str) -> None:
        """There is none."""

    def list_connections(self) -> tuple[Export, ...]:
        return ()

    def list_volumes(self, known: Collection[str] | None = None) -> tuple[VolumeInfo, ...]:
        """To open an image costs the cluster more than its name."""
        return self._infos(known=None if known is None else sorted(known))

    def list_exports(self) -> tuple[Export, ...]:
        daemons = {path.name: self._daemon(path.name) for path in self._entries()}
        return tuple(
            Export(key, known.name, str(daemon.socket))
            for key, daemon in daemons.items()
            if daemon.is_whole()
            for known in daemon.wanted()
        )

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        texts = []
        for path in self._entries():
            daemon = self._daemon(path.name)
            if daemon.is_running() and not daemon.wanted():
                texts.append(f"process of volume {path.name}")
                if remove:
                    daemon.end()
        return (*texts, *self._cluster.do("residue", remove=remove, limit_s=600.0))

    def pool(self) -> PoolUse:
        """The host also tells the others by which address its clients are known."""
        if self._host:
            self._cluster.do("introduce", host=self._host)
        room = self._cluster.do("room")
        return PoolUse(room["total"] // GIB, room["free"] // GIB, self._reserved_gib)

    def has(self, volume_id: str) -> bool:
        values.check_uuid(volume_id, "a volume's id")
        return bool(self._cluster.do("has", volume=volume_id))

    def guest_disk(self, volume_id: str) -> GuestDisk | None:
        self._check_exists(volume_id)
        return self._cluster.guest_disk(f"volume-{volume_id}")

    def fence(self, volume_id: str, keep: Sequence[str] = ()) -> None:
        self._cluster.do("fence", volume=volume_id, keep=list(keep), hours=FENCE_HOURS)

    def close(self) -> None:
        """End the processes that wait for work."""
        self._cluster.close()

    def _only(self, volume_id: str) -> VolumeInfo:
        made = self._infos(only=volume_id)
        if not made:
            raise PoolUnavailable("The storage cluster refused.", details=f"{volume_id} is missing")
        return made[0]

    def _infos(self, only: str = "", known: list[str] | None = None) -> tuple[VolumeInfo, ...]:
        rows = self._cluster.do("volumes", only=only, known=known, limit_s=600.0)
        return tuple(
            VolumeInfo(key, size // GIB, "raw", tuple(snapshots), shared=True)
            for key, size, snapshots in rows
            if values.is_uuid(key)
        )

    def _source(self, source: Source, size: int, stop: Event | None) -> dict[str, str]:
        """What a volume is a clone of. An image is copied into the pool before."""
        if isinstance(source, FromImage):
            if source.virtual_size > size:
                raise VolumeTooSmall("The volume is too small for its source.", details=f"{source.virtual_size} bytes")
            if bases.is_content(source):
                return {"content": source.in_pool}
            self._import(source, stop)
            return {"base": bases.key_of(source)}
        if isinstance(source, FromSnapshot):
            return {"volume": source.volume_id, "snapshot": source.snapshot_id}
        return {"volume": source.volume_id} if source is not None else {}

    def _import(self, image: FromImage, stop: Event | None) -> None:
        key = bases.key_of(image)
        if not self._cluster.do("base", key=key):
            with self._held(f"image-{key}"):
                bases.bring(self._cluster, image, stop)

    def _is_copy(self, source: Source) -> bool:
        if isinstance(source, FromSnapshot | FromVolume):
            return bool(self._cluster.do("deep", volume=source.volume_id))
        return False

    def _check_exists(self, volume_id: str) -> None:
        if not self.has(volume_id):
            raise VolumeNotFound("The volume is not in the pool.", details=volume_id)

    def _check_not_exported(self, volume_id: str) -> None:
        daemon = self._daemon(volume_id)
        if daemon.is_running() and daemon.wanted():
            raise VolumeInUse("The volume is in use.", details=volume_id)

    def _check_room(self) -> None:
        use = self.pool()
        if use.free_gib < use.reserve_gib:
            raise PoolFull("The pool has no space for volumes.", details=f"{use.free_gib} GiB are free")

    def _daemon(self, volume_id: str) -> ImageDaemon:
        cluster, image = self._cluster, f"volume-{volume_id}"
        return ImageDaemon(self._run / volume_id, conf=cluster.conf, user=cluster.user, pool=cluster.pool, image=image)

    def _serve(self, daemon: ImageDaemon) -> None:
        """Have the daemon run with all its exports."""
        files.make_directory(self._run.parent, 0o711)
        files.make_directory(self._run, 0o711)
        if daemon.is_running():
            daemon.heal(NODE)
        else:
            daemon.start(CHAIN, daemon.wanted())

    def _entries(self) -> list[Path]:
        return sorted(path for path in self._run.iterdir() if values.is_uuid(path.name)) if self._run.is_dir() else []

    @contextmanager
    def _alone(self, volume_id: str) -> Iterator[None]:
        """Hold the host's lock of a volume; the one of all hosts is in the pool."""
        values.check_uuid(volume_id, "a volume's id")
        with self._held(f"volume-{volume_id}"):
            yield

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        try:
            with locks.host_lock(self._locks, name, timeout_s=_LOCK_TIMEOUT_S):
                yield
        except locks.LockTimeout as error:
            raise PoolBusy("Another operation on the volume is under way.") from error
