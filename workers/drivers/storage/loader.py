"""Which storage drivers there are, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.drivers.loading import load_driver
from workers.drivers.storage.base import StorageDriver

KNOWN = {
    "ceph": "workers.drivers.storage.ceph.driver:CephStorage",
    "local": "workers.drivers.storage.local:LocalStorage",
    "simulated-pool": "workers.drivers.storage.simulated_pool:SimulatedPool",
    "simulated": "workers.drivers.storage.simulated:SimulatedStorage",
}


def load(name: str, options: Mapping[str, Any]) -> StorageDriver:
    """Make the driver called `name`: a short name of KNOWN, or a dotted path to a class.

    Options are checked by the driver; nothing is opened yet. Raises DriverNotFound, SpecInvalid.
    """
    return load_driver(StorageDriver, KNOWN, name, options)  # type: ignore[type-abstract]
