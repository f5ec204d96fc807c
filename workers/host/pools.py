"""Reports a host's pools of volumes: the scheduler, metrics and operators' pages read the rows."""

import structlog

from apps.volumes.services import pools
from workers.config import HostDrivers
from workers.drivers.errors import DriverError
from workers.drivers.volume.base import PoolUse

log = structlog.get_logger("celerity.agent")
DEFAULT = "local"


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
