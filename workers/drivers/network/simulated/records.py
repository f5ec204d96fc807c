"""Records of simulated networking: one small file for each thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.base.l3 import FloatingIPSpec, RouterSpec
from workers.drivers.network.base.rules import GroupSpec
from workers.drivers.simulation import Simulation

Spec = NetworkSpec | PortSpec | RouterSpec | FloatingIPSpec | GroupSpec
Record = Mapping[str, Any]


def of(spec: Spec, **more: str) -> Record:
    """A spec's record, as it is read from its file."""
    plain: Record = json.loads(json.dumps({**asdict(spec), **more}))
    return plain


def write(simulation: Simulation, kind: str, name: str, record: Record) -> bool:
    """Write a record, if it is another than before; say whether it was."""
    if simulation.read(kind, name) == record:
        return False
    simulation.write(kind, name, record)
    return True


def all_of(simulation: Simulation, kind: str) -> dict[str, Record]:
    """All records of a kind, by id."""
    read = {name: simulation.read(kind, name) for name in simulation.names(kind)}
    return {name: record for name, record in read.items() if record is not None}
