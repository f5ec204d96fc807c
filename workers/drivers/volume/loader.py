"""Which volume drivers there are, and how one is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.drivers.loading import load_driver
from workers.drivers.volume.base import VolumeDriver

KNOWN = {
    "ceph": "workers.drivers.volume.ceph.driver:CephVolumes",
    "local": "workers.drivers.volume.local.driver:LocalVolumes",
    "simulated": "workers.drivers.volume.simulated:SimulatedVolumes",
}


def load(name: str, options: Mapping[str, Any]) -> VolumeDriver:
    """Make the driver called `name`: a short name of KNOWN, or a dotted path to a class.

    Options are checked by the driver; nothing is opened yet. Raises DriverNotFound, SpecInvalid.
    """
    return load_driver(VolumeDriver, KNOWN, name, options)  # type: ignore[type-abstract]
