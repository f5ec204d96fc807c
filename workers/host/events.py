"""What the hypervisor reports: changes that nobody ordered are written to the server's row."""

import uuid
from collections.abc import Callable

import structlog
from django.db import close_old_connections, connection

from apps.compute.services import progress
from apps.networking.services import bindings
from workers.config import HostDrivers

log = structlog.get_logger("celerity.agent")


def reporter(drivers: HostDrivers) -> Callable[[str, str], None]:
    """Return the callback for a host's ``watch``."""

    def report(server_id: str, event: str) -> None:
        try:
            close_old_connections()
            settle(drivers, uuid.UUID(server_id), event)
        except Exception as error:
            log.warning("event not written", server=server_id, event=event, error=str(error)[:300])
            connection.close()

    return report


def settle(drivers: HostDrivers, server_id: uuid.UUID, event: str) -> None:
    """Write what the hypervisor says now, not what the event said: events come late and twice."""
    info = drivers.hypervisor.info(str(server_id))
    if info is None or str(info.power_state) == "nostate":
        return
    if progress.observed(server_id=server_id, power_state=str(info.power_state)):
        bindings.set_server_status(server_id=server_id, up=str(info.power_state) == "running")
        log.info(
            "power state changed",
            server=str(server_id),
            host=drivers.host,
            hypervisor_event=event,
            power_state=str(info.power_state),
        )
