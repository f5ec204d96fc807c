"""The layout of a host's directory: who finds which file where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostPaths:
    """Every path below a host's state directory (e.g. /var/lib/celerity). Pure: nothing is made or read."""

    root: Path

    @property
    def instances(self) -> Path:
        """One directory per server."""
        return self.root / "instances"

    def instance(self, server_id: str) -> Path:
        """A server's directory: its disks, config drive and console log."""
        return self.instances / server_id

    def console_log(self, server_id: str) -> Path:
        """The serial console's log; rotated copies are beside it as .0 (newest), .1, …"""
        return self.instance(server_id) / "console.log"

    def frozen(self, server_id: str) -> Path:
        """The note that a guest's file systems are frozen."""
        return self.instance(server_id) / "frozen"

    def devices(self, server_id: str) -> Path:
        """The server's tagged devices, with the addresses that the hypervisor chose: JSON."""
        return self.instance(server_id) / "devices.json"

    @property
    def images(self) -> Path:
        """The image cache: files named by the SHA-512 of their data."""
        return self.root / "images"

    @property
    def locks(self) -> Path:
        """Lock files (`workers.system.locks`)."""
        return self.root / "locks"
