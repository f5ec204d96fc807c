"""Passphrases on simulated hosts: that there is one is a record; what it is, is not."""

from __future__ import annotations

from workers.drivers import values
from workers.drivers.hypervisor.keys import KeyOperations
from workers.drivers.simulation import Simulation


class SimulatedKeys(KeyOperations):
    """The keys' part of SimulatedHypervisor."""

    _simulation: Simulation

    def keep_key(self, volume_id: str, passphrase: str) -> None:
        values.check_uuid(volume_id, "a volume's id")
        with self._simulation.operation("keep_key") as operation:
            operation.halfway()
            self._simulation.write("keys", volume_id, {})

    def forget_key(self, volume_id: str) -> None:
        values.check_uuid(volume_id, "a volume's id")
        with self._simulation.operation("forget_key") as operation:
            operation.halfway()
            self._simulation.remove("keys", volume_id)

    def kept_keys(self) -> tuple[str, ...]:
        with self._simulation.operation("kept_keys"):
            return tuple(self._simulation.names("keys"))
