"""Encrypted volumes of simulated hosts: a record notes which key opens it, by a digest; there is nothing to encrypt."""

from __future__ import annotations

import hashlib
from threading import Event

from workers.drivers.simulation import Simulation
from workers.drivers.volume.contents import Contents
from workers.drivers.volume.encryption import DiskKey
from workers.drivers.volume.errors import PoolUnavailable
from workers.drivers.volume.specs import Export, FromImage


class SimulatedEncryption(Contents):
    """The encryption's part of SimulatedVolumes."""

    _simulation: Simulation
    _kind: str

    def encrypt(self, export: Export, key: DiskKey, size_bytes: int) -> None:
        with self._simulation.operation("encrypt") as operation:
            operation.halfway()
            if (record := self._simulation.read(self._kind, export.volume_id)) is not None:
                self._simulation.write(self._kind, export.volume_id, {**record, "key": _digest(key)})

    def write_encrypted(self, export: Export, image: FromImage, key: DiskKey, stop: Event | None = None) -> None:
        self._check(export, key)
        self.write_image(export, image, stop)

    def copy_encrypted(
        self, source: Export, target: Export, keys: tuple[DiskKey | None, DiskKey | None], stop: Event | None = None
    ) -> None:
        with self._simulation.operation("copy_encrypted", stop=stop) as operation:
            operation.halfway()
            if keys[1] is not None:
                self._check(target, keys[1])

    def _check(self, export: Export, key: DiskKey) -> None:
        """A volume of another host says nothing; nor does a source, which may be a backup's data."""
        record = self._simulation.read(self._kind, export.volume_id)
        if (record or {}).get("key", _digest(key)) != _digest(key):
            raise PoolUnavailable("The key does not open the volume.", details=export.volume_id)


def _digest(key: DiskKey) -> str:
    return hashlib.sha256(key.passphrase.encode()).hexdigest()[:16]
