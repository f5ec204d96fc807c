"""Which backup drivers there are, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.drivers.backup.base import BackupDriver
from workers.drivers.loading import load_driver

KNOWN = {
    "archive": "workers.drivers.backup.archive.driver:Archive",
    "simulated": "workers.drivers.backup.simulated:SimulatedBackups",
}


def load(name: str, options: Mapping[str, Any]) -> BackupDriver:
    """Make the driver called `name`: a short name of KNOWN, or a dotted path to a class.

    Options are checked by the driver; nothing is opened yet. Raises DriverNotFound, SpecInvalid.
    """
    return load_driver(BackupDriver, KNOWN, name, options)  # type: ignore[type-abstract]
