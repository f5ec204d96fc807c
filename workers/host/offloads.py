"""Guests that have to be restarted because the cloud's mode of offloads changed."""

from apps.networking.states import MULTI_HOST
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import DomainInfo, PowerState

ON = (PowerState.RUNNING, PowerState.PAUSED)


def guests_to_restart(drivers: HostDrivers, mode: str) -> list[DomainInfo]:
    """Return the running guests of a host whose packets its tunnels would drop: they started in the other mode."""
    if mode != MULTI_HOST or drivers.network.tunnels_take_offloads():
        return []
    ids = [domain.id for domain in drivers.hypervisor.list_domains() if domain.power_state in ON]
    infos = [drivers.hypervisor.info(server_id) for server_id in ids]
    return sorted((info for info in infos if info is not None and info.offloads), key=lambda info: info.name)
