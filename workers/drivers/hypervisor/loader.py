"""Which hypervisor drivers there are, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.drivers.hypervisor.base import HypervisorDriver
from workers.drivers.loading import load_driver

KNOWN = {
    "libvirt": "workers.drivers.hypervisor.libvirt.driver:LibvirtDriver",
    "simulated": "workers.drivers.hypervisor.simulated:SimulatedHypervisor",
}


def load(name: str, options: Mapping[str, Any]) -> HypervisorDriver:
    """Make the driver called `name`: a short name of KNOWN, or a dotted path to a class.

    Options are checked by the driver; nothing is opened yet. Raises DriverNotFound, SpecInvalid.
    """
    return load_driver(HypervisorDriver, KNOWN, name, options)  # type: ignore[type-abstract]
