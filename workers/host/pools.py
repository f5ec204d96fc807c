"""Reports a host's pools of volumes: the scheduler, metrics and operators' pages read the rows."""

from collections.abc import Collection
from dataclasses import replace

import structlog

from apps.volumes.services import pools
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.volume.base import PoolUse, VolumeInfo

log = structlog.get_logger("celerity.agent")
DEFAULT = "local"


def listed(drivers: HostDrivers, known: Collection[str]) -> tuple[list[VolumeInfo], set[str]]:
    """Return the volumes in the host's pools, and the back ends that do not answer: nothing is known of theirs.

    Of other volumes than the ``known`` ones, what a pool of all hosts has may be left out.
    """
    infos: list[VolumeInfo] = []
    silent = set()
    for backend, driver in drivers.volume.backends().items():
        try:
            infos += [replace(info, backend=backend) for info in driver.list_volumes(known)]
        except DriverError as error:
            log.warning("pool not read", host=drivers.host, backend=backend, error=error.details or error.message)
            silent.add(backend)
    return (infos, silent) if drivers.volume.backends() else (list(drivers.volume.list_volumes()), set())


def sweep(drivers: HostDrivers, silent: Collection[str]) -> list[str]:
    """Remove what killed processes have left in the host's pools, and return its names."""
    named = drivers.volume.backends()
    if not named:
        return list(drivers.volume.residue(remove=True))
    return [text for key, driver in named.items() if key not in silent for text in driver.residue(remove=True)]


def report(drivers: HostDrivers) -> dict[str, PoolUse]:
    """Write the host's pools, and return them by back end. One that does not answer keeps its last row."""
    named = drivers.volume.backends() or {DEFAULT: drivers.volume}
    answered = {}
    for backend, driver in named.items():
        try:
            use = answered[backend] = driver.pool()
        except DriverError as error:
            log.warning("pool not read", host=drivers.host, backend=backend, error=error.details or error.message)
            continue
        pools.report(
            host=drivers.host, backend=backend, shared=driver.capabilities.shared, total_gib=use.total_gib,
            free_gib=use.free_gib, reserve_gib=use.reserve_gib,
        )  # fmt: skip
    pools.forget(host=drivers.host, but=named)
    return answered
