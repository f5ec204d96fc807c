"""Which network drivers there are, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.drivers.loading import load_driver
from workers.drivers.network.base import NetworkDriver

KNOWN = {
    "linux": "workers.drivers.network.linux.driver:LinuxNetwork",
    "simulated": "workers.drivers.network.simulated:SimulatedNetwork",
}


def load(name: str, options: Mapping[str, Any]) -> NetworkDriver:
    """Make the driver called `name`: a short name of KNOWN, or a dotted path to a class.

    Options are checked by the driver; nothing is opened yet. Raises DriverNotFound, SpecInvalid.
    """
    return load_driver(NetworkDriver, KNOWN, name, options)  # type: ignore[type-abstract]
