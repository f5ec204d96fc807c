"""Which network drivers there are, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.drivers.loading import load_driver
from workers.drivers.network.base import NetworkDriver
from workers.drivers.network.base.engine import NetworkEngine

KNOWN = {
    "ovn": "workers.drivers.network.ovn.host:OvnHost",
    "simulated": "workers.drivers.network.simulated.host:SimulatedNetwork",
}
ENGINES = {
    "ovn": "workers.drivers.network.ovn.engine:OvnEngine",
    "simulated": "workers.drivers.network.simulated.engine:SimulatedEngine",
}


def load(name: str, options: Mapping[str, Any]) -> NetworkDriver:
    """Make the driver of one host's ports called `name`: a short name of KNOWN, or a dotted path to a class.

    Options are checked by the driver; nothing is opened yet. Raises DriverNotFound, SpecInvalid.
    """
    return load_driver(NetworkDriver, KNOWN, name, options)  # type: ignore[type-abstract]


def load_engine(name: str, options: Mapping[str, Any]) -> NetworkEngine:
    """Make the cloud's network engine called `name`: a short name of ENGINES, or a dotted path to a class.

    Options are checked by the engine; nothing is opened yet. Raises DriverNotFound, SpecInvalid.
    """
    return load_driver(NetworkEngine, ENGINES, name, options)  # type: ignore[type-abstract]
