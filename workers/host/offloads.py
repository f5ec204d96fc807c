"""Guests that have to be restarted because the cloud's mode of offloads changed."""

import http

import orjson

from apps.networking.states import MULTI_HOST
from apps.scheduling.services import agents
from workers.config import HostDrivers
from workers.drivers.hypervisor.base import DomainInfo, PowerState

LIST_BYTES = 1024 * 1024
LIST_SECONDS = 30.0
ON = (PowerState.RUNNING, PowerState.PAUSED)


def guests_to_restart(drivers: HostDrivers, mode: str) -> list[DomainInfo]:
    """Return the running guests of a host whose packets its tunnels would drop: they started in the other mode."""
    if mode != MULTI_HOST or drivers.network.tunnels_take_offloads():
        return []
    ids = [domain.id for domain in drivers.hypervisor.list_domains() if domain.power_state in ON]
    infos = [drivers.hypervisor.info(server_id) for server_id in ids]
    return sorted((info for info in infos if info is not None and info.offloads), key=lambda info: info.name)


def guests_of_other_host(host: str, mode: str) -> list[tuple[str, str]]:
    """Return the id and the name of each such guest of another host, as its agent says. Raises AgentSilent."""
    parts = ("offloads", mode, "guests")
    status, body = agents.request(host=host, parts=parts, method="POST", limit=LIST_BYTES, timeout_seconds=LIST_SECONDS)
    if status != http.HTTPStatus.OK:
        raise agents.AgentSilent(f"it answers {status}")
    return [(str(server_id), str(name)) for server_id, name in orjson.loads(body)]
