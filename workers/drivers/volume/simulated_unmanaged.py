"""The simulated pool's part that takes volumes over and releases them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from workers.drivers.simulation import Simulation
from workers.drivers.volume.errors import NotUnmanaged, SnapshotNotFound, VolumeInUse
from workers.drivers.volume.specs import UNMANAGED, ExportSpec, Unmanaged, VolumeInfo, VolumeSpec


class Adoption:
    """Released volumes are records of another kind."""

    _simulation: Simulation
    _kind: str

    @abstractmethod
    def _existing(self, volume_id: str) -> dict[str, Any]: ...

    def list_unmanaged(self) -> tuple[Unmanaged, ...]:
        with self._simulation.operation("list_unmanaged"):
            kind = f"{self._kind}.unmanaged"
            records = ((name, self._simulation.read(kind, name)) for name in self._simulation.names(kind))
            return tuple(Unmanaged(name, record["size_gib"]) for name, record in records if record is not None)

    def adopt_volume(self, volume: VolumeSpec, reference: str) -> VolumeInfo:
        with self._simulation.operation("adopt_volume") as operation:
            record = self._simulation.read(self._kind, volume.id)
            if record is None:
                record = self._simulation.read(f"{self._kind}.unmanaged", reference)
                if record is None:
                    raise NotUnmanaged("The pool has no such volume.", details=reference)
                operation.halfway()
                self._simulation.write(self._kind, volume.id, record)
            self._simulation.remove(f"{self._kind}.unmanaged", reference)
            return info_of(volume.id, record)

    def release_volume(self, volume_id: str, reference: str) -> None:
        with self._simulation.operation("release_volume") as operation:
            record = self._simulation.read(self._kind, volume_id)
            if record is None:
                return
            if record["exports"]:
                raise VolumeInUse("The volume is in use.", details=volume_id)
            operation.halfway()
            self._simulation.write(f"{self._kind}.unmanaged", reference, record)
            self._simulation.remove(self._kind, volume_id)

    def rename_snapshot(self, volume_id: str, name: str, new: str) -> None:
        with self._simulation.operation("rename_snapshot") as operation:
            record = self._existing(volume_id)
            operation.halfway()
            if new not in record["snapshots"]:
                if name not in record["snapshots"]:
                    raise SnapshotNotFound("The volume has no such snapshot.", details=name)
                record["snapshots"][new] = record["snapshots"].pop(name)
                self._simulation.write(self._kind, volume_id, record)

    def list_unmanaged_snapshots(self, volume_id: str) -> tuple[Unmanaged, ...]:
        record = self._simulation.read(self._kind, volume_id) or {"snapshots": {}}
        kept = record["snapshots"]
        return tuple(Unmanaged(key, kept[key]) for key in sorted(kept) if key.startswith(UNMANAGED))


def info_of(volume_id: str, record: Mapping[str, Any]) -> VolumeInfo:
    """Return what the pool's list says of a record."""
    names = tuple(key for key in sorted(record["snapshots"]) if not key.startswith(UNMANAGED))
    return VolumeInfo(volume_id, record["size_gib"], record["format"], names)


def current_of(record: dict[str, Any]) -> dict[str, Any]:
    """A record as this version writes it: before, an export was whether it is read-only."""
    for name, known in record["exports"].items():
        if isinstance(known, bool):
            record["exports"][name] = asdict(ExportSpec(name, known))
    return record
