"""The volume contract on a host's own file system: chains of layers, one qemu-storage-daemon for a volume in use."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers import values
from workers.drivers.volume.base import (
    Capabilities,
    Export,
    ExportSpec,
    Format,
    FromImage,
    FromSnapshot,
    FromVolume,
    PoolUse,
    Source,
    VolumeDriver,
    VolumeInfo,
    VolumeSpec,
)
from workers.drivers.volume.errors import NotSupported, PoolUnavailable, SourceUnavailable, VolumeInUse, VolumeTooSmall
from workers.drivers.volume.local import chains, layer_files, records
from workers.drivers.volume.local.chains import GIB, MAX_CHAIN
from workers.drivers.volume.local.connections import Connections
from workers.drivers.volume.local.records import Record, Snapshot
from workers.drivers.volume.local.unmanaged import Adoption
from workers.system import files, locks


class LocalVolumes(Adoption, Connections, VolumeDriver):
    """Options: `state_dir` (required), `volume_dir` (its directory `volumes`), `reserved_gib` (2: free space that
    volumes leave alone), `run_dir` (where sockets are: a path of a unix socket has 107 characters at most), `pki_dir`
    (this host's certificate, for exports between hosts), `shared` (all hosts see `volume_dir`; False).
    """

    capabilities = Capabilities(
        formats=("qcow2", "raw"), shared=False, real_bytes=True, snapshots_in_use=True, max_chain=MAX_CHAIN,
        converts=True, manages=True,
    )  # fmt: skip

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        super().__init__(options)
        if options.get("shared"):
            self.capabilities = replace(self.capabilities, shared=True)

    def create_volume(self, volume: VolumeSpec, source: Source = None, stop: Event | None = None) -> VolumeInfo:
        """Nothing is copied, except for or from a raw volume, and where the source's chain is long."""
        other = source.volume_id if isinstance(source, FromSnapshot | FromVolume) else volume.id
        with self._locked(volume.id, other), layer_files.on_disk():
            if self._pool.load(volume.id) is None:
                self._check_room()
                try:
                    self._make(volume, source, layer_files.poll_of(stop))
                except BaseException:
                    files.remove_tree(self._pool.of(volume.id))
                    raise
            info = self._info(volume.id)
        assert info is not None
        return info

    def copies(self, volume: VolumeSpec, source: Source) -> bool:
        if source is None or volume.format == "raw":
            return source is not None
        record = None if isinstance(source, FromImage) else self._pool.load(source.volume_id)
        if record is None:
            return False
        if isinstance(source, FromSnapshot):
            snapshot = record.snapshots.get(source.snapshot_id)
            return snapshot is not None and chains.is_deep(snapshot.chain)
        return record.format == "raw" or chains.is_deep(record.chain)

    def delete_volume(self, volume_id: str) -> None:
        with self._locked(volume_id), layer_files.on_disk():
            daemon = self._daemon(volume_id)
            if daemon.is_running() and daemon.wanted():
                raise VolumeInUse("The volume is in use.", details=volume_id)
            if (record := self._pool.load(volume_id)) is not None:
                self._check_not_elsewhere(volume_id, record)
            self._mute(volume_id)
            daemon.end()
            directory = self._pool.of(volume_id)
            (directory / records.RECORD).unlink(missing_ok=True)  # first: what is left without it is residue
            files.remove_tree(directory)

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        with self._locked(volume_id), layer_files.on_disk():
            record = self._settled(volume_id)
            size = size_gib * GIB + record.size % GIB  # a header too
            if record.size > size:
                raise VolumeTooSmall("A volume can only be made larger.", details=f"{record.size} bytes now")
            serving = self._serving(volume_id, record.chain)  # also what an extension that was killed has closed
            if record.size < size:
                self._check_room()
                with self._muted(volume_id), self._running(volume_id, record.chain, serving) as daemon:
                    daemon.resize(record.top, size)
                self._pool.save(volume_id, replace(record, size=size, clean_ns=0))

    def check_free(self, volume_id: str) -> None:
        with self._locked(volume_id):
            pass

    def create_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        """A raw volume's content is copied, so it must not be exported."""
        values.check_uuid(snapshot_id, "a snapshot's id")
        with self._locked(volume_id), layer_files.on_disk():
            record = self._settled(volume_id)
            if snapshot_id in record.snapshots:
                return
            self._check_room()
            if record.format == "raw":
                self._copy_raw(volume_id, snapshot_id, record, layer_files.poll_of(stop))
            else:
                self._freeze(volume_id, record, snapshot_id, stop)

    def delete_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        """Layers that nobody else needs are merged. Of an exported volume, all but the one that is written to."""
        with self._locked(volume_id), layer_files.on_disk():
            if self._pool.load(volume_id) is None:
                return
            record = self._settled(volume_id)
            if snapshot_id in record.snapshots:
                left = {key: item for key, item in record.snapshots.items() if key != snapshot_id}
                record = replace(record, snapshots=left)
                self._pool.save(volume_id, record)
            chains.collect(self._pool, volume_id, record)
            self._merge(volume_id, record, stop)

    def revert_volume(self, volume_id: str, snapshot_id: str) -> None:
        with self._locked(volume_id), layer_files.on_disk():
            record = self._settled(volume_id)
            if self._daemon(volume_id).wanted():
                raise VolumeInUse("The volume is in use.", details=volume_id)
            record = chains.reverted(self._pool.of(volume_id), record, snapshot_id)
            self._pool.save(volume_id, record)
            chains.collect(self._pool, volume_id, record)

    def read_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> str:
        with self._locked(volume_id), layer_files.on_disk():
            record = self._settled(volume_id)
            if self._daemon(volume_id).wanted():
                raise VolumeInUse("The volume is in use.", details=volume_id)
            self._check_room()
            directory = self._pool.of(volume_id)
            path = directory / f"{records.COPY}.{disk_format}"
            layer_files.flatten(directory / record.top, path, record.size, layer_files.poll_of(stop))
            return str(path)

    def convert_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> None:
        """The whole content is copied; the former layers go once the record names the copy."""
        with self._locked(volume_id), layer_files.on_disk():
            record = self._settled(volume_id)
            if record.format == disk_format:
                return
            if self._daemon(volume_id).wanted():
                raise VolumeInUse("The volume is in use.", details=volume_id)
            if record.snapshots:
                raise NotSupported("A volume with snapshots keeps its format.")
            self._check_room()
            directory, top = self._pool.of(volume_id), records.new_layer(disk_format)
            layer_files.flatten(directory / record.top, directory / top, record.size, layer_files.poll_of(stop))
            record = Record(record.size, disk_format, (top,))
            self._pool.save(volume_id, record)
            chains.collect(self._pool, volume_id, record)

    def open_export(self, volume_id: str, export: ExportSpec) -> Export:
        """All exports that were open and are not, because their process died, are opened with it."""
        with self._locked(volume_id), layer_files.on_disk():
            record, daemon = self._settled(volume_id), self._daemon(volume_id)
            others = [known for known in daemon.wanted() if known.name != export.name]
            rivals = [known for known in others if not (export.owner and known.owner == export.owner)]
            if record.format != "raw" and not export.readonly and not all(known.readonly for known in rivals):
                raise VolumeInUse("The volume is in use.", details=volume_id)
            daemon.want([*others, export])
            try:
                self._serving(volume_id, record.chain)
                self._listen(volume_id, export)
            except BaseException:
                with suppress(PoolUnavailable):
                    self._drop(daemon, others, export.name)
                raise
            return Export(volume_id, export.name, str(daemon.socket), export.listening)

    def close_export(self, volume_id: str, name: str | None) -> None:
        with self._locked(volume_id), layer_files.on_disk():
            daemon = self._daemon(volume_id)
            if name is None:
                self._mute(volume_id)
                daemon.end()
                return
            self._drop(daemon, [known for known in daemon.wanted() if known.name != name], name)

    def list_volumes(self, known: Collection[str] | None = None) -> tuple[VolumeInfo, ...]:
        infos = (self._info(name) for name in self._pool.names())
        return tuple(info for info in infos if info is not None)

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """Volumes that are being worked on are left alone."""
        texts: list[str] = []
        for path in sorted(self._run.iterdir()) if self._run.is_dir() else ():
            with suppress(locks.LockTimeout), self._host_lock(path.name, 0):
                daemon = self._daemon(path.name)
                texts += self._stray_relays(path.name, remove=remove)
                if daemon.is_running() and not daemon.wanted():
                    texts.append(f"process of volume {path.name}")
                    if remove:
                        daemon.end()
        # Of what others see, no host knows what is under way.
        for name in () if self.capabilities.shared else self._pool.names():
            with suppress(locks.LockTimeout, FileNotFoundError), self._host_lock(name, 0):
                texts += self._strays(name, remove=remove)
        return (*texts, *self._broken_connections(remove=remove))

    def has(self, volume_id: str) -> bool:
        return self._pool.of(volume_id).is_dir() or self._daemon(volume_id).directory.is_dir()

    def pool(self) -> PoolUse:
        with layer_files.on_disk():
            self._check_mounted()
            files.make_directory(self._pool.root, 0o700)
            use = shutil.disk_usage(self._pool.root)
        return PoolUse(total_gib=use.total // GIB, free_gib=use.free // GIB, reserve_gib=self.reserved_gib)

    def _freeze(self, volume_id: str, record: Record, key: str, stop: Event | None = None) -> Record:
        """Give the volume a new top layer: what is below it does not change any more.

        A chain that is full may have layers of clones that are gone: they are merged first.
        """
        if len(record.chain) >= MAX_CHAIN:
            record = self._merge(volume_id, record, stop)
        self._pool.save(volume_id, chains.with_new_top(self._pool.of(volume_id), record, key))
        return self._settled(volume_id)

    def _copy_raw(self, volume_id: str, snapshot_id: str, record: Record, poll: layer_files.Poll | None) -> None:
        if self._daemon(volume_id).wanted():
            raise NotSupported("A raw volume can be copied only while it is not attached.")
        directory, copy = self._pool.of(volume_id), records.new_layer("raw")
        layer_files.copy_raw(directory / record.top, directory / copy, poll)
        snapshots = {**record.snapshots, snapshot_id: Snapshot((copy,), record.size)}
        self._pool.save(volume_id, replace(record, snapshots=snapshots))

    def _make(self, volume: VolumeSpec, source: Source, poll: layer_files.Poll | None) -> None:
        directory = self._pool.make(volume.id)
        if source is None:
            record = chains.blank(directory, volume)
        elif isinstance(source, FromImage):
            record = chains.from_image(directory, volume, source, poll)
        else:
            record = self._cloned(directory, volume, source, poll)
        self._pool.save(volume.id, record)
        chains.collect(self._pool, volume.id, record)

    def _cloned(
        self, directory: Path, volume: VolumeSpec, source: FromSnapshot | FromVolume, poll: layer_files.Poll | None
    ) -> Record:
        there = self._pool.of(source.volume_id)
        if self._pool.load(source.volume_id) is None:
            raise SourceUnavailable("The volume's source is not on the host.", details=source.volume_id)
        known = self._settled(source.volume_id)
        if isinstance(source, FromSnapshot):
            return chains.from_chain(directory, volume, there, chains.content_of(known, source), poll)
        chains.check_size(volume, known.size)
        exported = bool(self._daemon(source.volume_id).wanted())
        if known.format == "raw":
            if exported:
                raise NotSupported("A raw volume can be copied only while it is not attached.")
            return chains.from_raw(directory, volume, there, Snapshot(known.chain, known.size), poll)
        if exported or not chains.is_clean(there, known):
            known = self._freeze(source.volume_id, known, "")
        return chains.from_chain(directory, volume, there, Snapshot(known.chain[1:], known.size), poll)

    def _merge(self, volume_id: str, record: Record, stop: Event | None) -> Record:
        """Merge layers as long as there are two that can be."""
        directory = self._pool.of(volume_id)
        serving = self._serving(volume_id, record.chain)
        while (pair := chains.mergeable(directory, record, exported=serving is not None)) is not None:
            chain, upper, lower = pair
            with self._running(volume_id, chain, serving) as daemon:
                daemon.merge(chain[0], upper, lower, stop)
            for layer in chains.above(record, upper) - set(chain):  # of branches: nobody has these open
                layer_files.name_below(directory / layer, lower)
            record = replace(record.without_layer(upper), clean_ns=0)
            self._pool.save(volume_id, record)
            chains.collect(self._pool, volume_id, record)
        return record
