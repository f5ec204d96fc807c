"""The simulated pool: volumes and exports that are records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from typing import Any

from workers.drivers import blank_qcow2, values
from workers.drivers.simulation import Simulation
from workers.drivers.volume.base import (
    Capabilities,
    Export,
    ExportSpec,
    Format,
    FromImage,
    FromSnapshot,
    FromVolume,
    GuestDisk,
    Listening,
    PoolUse,
    Source,
    VolumeDriver,
    VolumeInfo,
    VolumeSpec,
)
from workers.drivers.volume.errors import (
    NotSupported,
    PoolFull,
    PoolUnavailable,
    SnapshotNotFound,
    SourceUnavailable,
    TooManySnapshots,
    VolumeInUse,
    VolumeNotFound,
    VolumeTooSmall,
)
from workers.drivers.volume.simulated_connections import Connections
from workers.drivers.volume.simulated_encryption import SimulatedEncryption
from workers.drivers.volume.simulated_unmanaged import Adoption, current_of, info_of
from workers.system import files

_GIB, _RAW = 1 << 30, 1 << 20  # _RAW: bytes of a raw copy, whatever the volume's size
MAX_CHAIN = 24
_KEY_ID = "00000000-0000-4000-8000-000000000000"


class SimulatedVolumes(Adoption, Connections, SimulatedEncryption, VolumeDriver):
    """Options: `state_dir` and `host` (required), `plan_file`, `disk_gib` (2048), `backend` (the pool's: local),
    `shared` (all hosts see the pool; False), `direct` (guests use its volumes without exports; False).
    """

    capabilities = Capabilities(
        formats=("qcow2", "raw"),
        shared=False,
        real_bytes=False,
        snapshots_in_use=True,
        max_chain=MAX_CHAIN,
        converts=True,
        manages=True,
    )

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Read the options; nothing is touched."""
        self._simulation = Simulation(options)
        backend = str(options.get("backend", "local"))
        self._kind = "volumes" if backend == "local" else f"volumes-{backend}"
        if options.get("shared"):
            self.capabilities = replace(self.capabilities, shared=True)
            self._kind = f"../{self._kind}"  # beside the hosts' directories
        if options.get("direct"):
            self.capabilities = replace(self.capabilities, direct=True)
        self._disk_gib = int(options.get("disk_gib", 2048))

    def create_volume(self, volume: VolumeSpec, source: Source = None, stop: Event | None = None) -> VolumeInfo:
        with self._simulation.operation("create_volume") as operation:
            record = self._simulation.read(self._kind, volume.id)
            if record is None:
                size = self._size_of(source)
                if size > volume.size_bytes:
                    raise VolumeTooSmall(
                        "The volume is too small for its source.", details=f"{size} bytes in {volume.size_gib} GiB"
                    )
                if self.pool().free_gib <= 0:
                    raise PoolFull("The host has no space for volumes.")
                operation.halfway()
                record = {"size_gib": volume.size_gib, "format": volume.format, "snapshots": {}, "exports": {}}
                self._simulation.write(self._kind, volume.id, record)
            return info_of(volume.id, record)

    def copies(self, volume: VolumeSpec, source: Source) -> bool:
        """There are no bytes to copy."""
        return False

    def delete_volume(self, volume_id: str) -> None:
        values.check_uuid(volume_id, "a volume's id")
        with self._simulation.operation("delete_volume") as operation:
            record = self._simulation.read(self._kind, volume_id)
            if record is not None and record["exports"]:
                raise VolumeInUse("The volume is in use.", details=volume_id)
            operation.halfway()
            for form in self.capabilities.formats:
                (Path(self._simulation.directory) / self._kind / f"{volume_id}.{form}").unlink(missing_ok=True)
            self._simulation.remove(self._kind, volume_id)

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        with self._simulation.operation("extend_volume") as operation:
            record = self._existing(volume_id)
            if record["size_gib"] > size_gib:
                raise VolumeTooSmall("A volume can only be made larger.", details=f"{record['size_gib']} GiB now")
            operation.halfway()
            self._simulation.write(self._kind, volume_id, {**record, "size_gib": size_gib})

    def check_free(self, volume_id: str) -> None:
        with self._simulation.operation("check_free"):
            self._existing(volume_id)

    def create_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        values.check_uuid(snapshot_id, "a snapshot's id")
        with self._simulation.operation("create_snapshot") as operation:
            record = self._existing(volume_id)
            if snapshot_id in record["snapshots"]:
                return
            if len(record["snapshots"]) + 1 >= MAX_CHAIN:
                raise TooManySnapshots("The volume's content is spread over too many snapshots and clones.")
            operation.halfway()
            record["snapshots"][snapshot_id] = record["size_gib"]
            self._simulation.write(self._kind, volume_id, record)

    def delete_snapshot(self, volume_id: str, snapshot_id: str, stop: Event | None = None) -> None:
        values.check_uuid(volume_id, "a volume's id")
        with self._simulation.operation("delete_snapshot") as operation:
            record = self._simulation.read(self._kind, volume_id)
            operation.halfway()
            if record is not None and record["snapshots"].pop(snapshot_id, None) is not None:
                self._simulation.write(self._kind, volume_id, record)

    def revert_volume(self, volume_id: str, snapshot_id: str) -> None:
        with self._simulation.operation("revert_volume") as operation:
            record = self._existing(volume_id)
            if snapshot_id not in record["snapshots"]:
                raise SnapshotNotFound("The volume has no such snapshot.", details=snapshot_id)
            if record["exports"]:
                raise VolumeInUse("The volume is in use.", details=volume_id)
            operation.halfway()
            record["size_gib"] = record["snapshots"][snapshot_id]
            self._simulation.write(self._kind, volume_id, record)

    def read_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> str:
        with self._simulation.operation("read_volume", stop=stop) as operation:
            record = self._existing(volume_id)
            if record["exports"]:
                raise VolumeInUse("The volume is in use.", details=volume_id)
            operation.halfway()
            size = record["size_gib"] * _GIB
            path = Path(self._simulation.directory) / self._kind / f"{volume_id}.{disk_format}"
            files.write(path, blank_qcow2.content(size) if disk_format == "qcow2" else bytes(_RAW))
            return str(path)

    def convert_volume(self, volume_id: str, disk_format: Format, stop: Event | None = None) -> None:
        with self._simulation.operation("convert_volume", stop=stop) as operation:
            record = self._existing(volume_id)
            if record["exports"]:
                raise VolumeInUse("The volume is in use.", details=volume_id)
            if record["snapshots"]:
                raise NotSupported("A volume with snapshots keeps its format.")
            operation.halfway()
            self._simulation.write(self._kind, volume_id, {**record, "format": disk_format})

    def write_image(self, export: Export, image: FromImage, stop: Event | None = None) -> None:
        """Note the image in the record of a volume of this host."""
        with self._simulation.operation("write_image", stop=stop) as operation:
            if not export.socket:
                raise PoolUnavailable("The volume is not exported here.", details=export.volume_id)
            record = self._simulation.read(self._kind, export.volume_id)
            size = record["size_gib"] if record is not None else export.size_gib
            if image.virtual_size > size * _GIB:
                raise VolumeTooSmall("The volume is too small for its image.")
            operation.halfway()
            if record is not None:
                self._simulation.write(self._kind, export.volume_id, {**record, "image": image.path})

    def open_export(self, volume_id: str, export: ExportSpec) -> Export:
        with self._simulation.operation("open_export") as operation:
            record = self._existing(volume_id)
            rivals = [
                known
                for name, known in record["exports"].items()
                if name != export.name and not (export.owner and known["owner"] == export.owner)
            ]
            if record["format"] != "raw" and not export.readonly and not all(known["readonly"] for known in rivals):
                raise VolumeInUse("The volume is in use.", details=volume_id)
            operation.halfway()
            noted = asdict(export)
            if record["exports"].get(export.name) != noted:
                record["exports"][export.name] = noted
                self._simulation.write(self._kind, volume_id, record)
            return self._export(volume_id, noted)

    def close_export(self, volume_id: str, name: str | None) -> None:
        values.check_uuid(volume_id, "a volume's id")
        with self._simulation.operation("close_export") as operation:
            record = self._simulation.read(self._kind, volume_id)
            operation.halfway()
            if record is not None:
                left = {key: item for key, item in record["exports"].items() if name is not None and key != name}
                self._simulation.write(self._kind, volume_id, {**record, "exports": left})

    def list_volumes(self, known: Collection[str] | None = None) -> tuple[VolumeInfo, ...]:
        with self._simulation.operation("list_volumes"):
            shared = self.capabilities.shared
            return tuple(replace(info_of(name, record), shared=shared) for name, record in self._records())

    def has(self, volume_id: str) -> bool:
        return self._simulation.read(self._kind, volume_id) is not None

    def list_exports(self) -> tuple[Export, ...]:
        with self._simulation.operation("list_exports"):
            return tuple(
                self._export(name, export) for name, record in self._records() for export in record["exports"].values()
            )

    def guest_disk(self, volume_id: str) -> GuestDisk | None:
        if not self.capabilities.direct:
            return None
        self._existing(volume_id)
        return GuestDisk("simulated", f"volume-{volume_id}", ("192.0.2.1:3300",), "celerity", _KEY_ID, "")

    def fence(self, volume_id: str, keep: Sequence[str] = ()) -> None:
        """The fact is recorded."""
        if not self.capabilities.direct:
            return
        with self._simulation.operation("fence") as operation:
            operation.halfway()
            record = self._simulation.read(self._kind, volume_id)
            if record is not None:
                record["fenced"] = [*record.get("fenced", []), sorted(keep)]
                self._simulation.write(self._kind, volume_id, record)

    def residue(self, *, remove: bool) -> tuple[str, ...]:
        """A record is whole or not there: a killed process leaves none."""
        return ()

    def pool(self) -> PoolUse:
        """The volumes' nominal sizes count as used."""
        with self._simulation.operation("pool"):
            used = sum(record["size_gib"] for _, record in self._records())
            return PoolUse(self._disk_gib, max(0, self._disk_gib - used), 0)

    def _size_of(self, source: Source) -> int:
        """A source's size in bytes. Raises SourceUnavailable."""
        if source is None:
            return 0
        if isinstance(source, FromImage):
            return source.virtual_size
        record = self._simulation.read(self._kind, source.volume_id)
        if record is None:
            raise SourceUnavailable("The volume's source is not on the host.", details=source.volume_id)
        if isinstance(source, FromVolume):
            return int(record["size_gib"]) * _GIB
        return self._snapshot_size(record, source) * _GIB

    def _snapshot_size(self, record: Mapping[str, Any], source: FromSnapshot) -> int:
        size = record["snapshots"].get(source.snapshot_id)
        if size is None:
            raise SourceUnavailable("The snapshot is not on the host.", details=source.snapshot_id)
        return int(size)

    def _records(self) -> list[tuple[str, dict[str, Any]]]:
        records = ((name, self._simulation.read(self._kind, name)) for name in self._simulation.names(self._kind))
        return [(name, current_of(record)) for name, record in records if record is not None]

    def _existing(self, volume_id: str) -> dict[str, Any]:
        values.check_uuid(volume_id, "a volume's id")
        record = self._simulation.read(self._kind, volume_id)
        if record is None:
            raise VolumeNotFound("The volume is not on its host.", details=volume_id)
        return current_of(record)

    def _export(self, volume_id: str, noted: Mapping[str, Any]) -> Export:
        listening = Listening(**noted["listening"]) if noted["listening"] else None
        socket = str(self._simulation.directory / "volumes" / f"{volume_id}.sock")
        return Export(volume_id, noted["name"], socket, listening)


def lose_exports(state_dir: str | Path, host: str, volume_id: str) -> None:
    """Simulate the end of a volume's export process. An absent volume is an error: KeyError."""
    simulation = Simulation({"state_dir": state_dir, "host": host})
    record = simulation.read("volumes", volume_id)
    if record is None:
        raise KeyError(volume_id)
    simulation.write("volumes", volume_id, {**record, "exports": {}})
