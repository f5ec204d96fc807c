"""Images and snapshots of a pool that become volumes' and are released: `unmanaged-<name>`, beside the volumes."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager

from workers.drivers.volume.base import Unmanaged, VolumeInfo, VolumeSpec
from workers.drivers.volume.ceph.cluster import GIB, Cluster
from workers.drivers.volume.specs import check_reference


class Adoption:
    """The part of CephVolumes that takes volumes over and releases them."""

    _cluster: Cluster

    @abstractmethod
    def _alone(self, volume_id: str) -> AbstractContextManager[None]: ...

    @abstractmethod
    def _check_not_exported(self, volume_id: str) -> None: ...

    @abstractmethod
    def _only(self, volume_id: str) -> VolumeInfo: ...

    def list_unmanaged(self) -> tuple[Unmanaged, ...]:
        return _listed(self._cluster.do("unmanaged", limit_s=600.0))

    def adopt_volume(self, volume: VolumeSpec, reference: str) -> VolumeInfo:
        check_reference(reference)
        with self._alone(volume.id):
            self._cluster.do("adopt", volume=volume.id, reference=reference, size=volume.size_bytes)
            return self._only(volume.id)

    def release_volume(self, volume_id: str, reference: str) -> None:
        check_reference(reference)
        with self._alone(volume_id):
            self._check_not_exported(volume_id)
            self._cluster.do("release", volume=volume_id, reference=reference)

    def rename_snapshot(self, volume_id: str, name: str, new: str) -> None:
        with self._alone(volume_id):
            self._cluster.do("rename_snapshot", volume=volume_id, snapshot=name, new=new)

    def list_unmanaged_snapshots(self, volume_id: str) -> tuple[Unmanaged, ...]:
        return _listed(self._cluster.do("unmanaged_snapshots", volume=volume_id))


def _listed(rows: list[tuple[str, int]]) -> tuple[Unmanaged, ...]:
    return tuple(Unmanaged(name, -(-size // GIB)) for name, size in rows)
