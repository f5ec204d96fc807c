"""Hypervisor events: changes that the cloud did not request are written to the server's row."""

import uuid
from collections.abc import Callable

import structlog
from django.db import close_old_connections, connection

from apps.compute import states
from apps.compute.selectors import servers as selectors
from apps.workflow.services import findings
from workers.config import HostDrivers
from workers.host.reconcilers import exports, power

log = structlog.get_logger("celerity.agent")


def reporter(drivers: HostDrivers) -> Callable[[str, str], None]:
    """Return the callback for a host's ``watch``."""

    def report(server_id: str, event: str) -> None:
        try:
            close_old_connections()
            write_power_state(drivers, uuid.UUID(server_id), event)
        except Exception as error:
            log.warning("event not written", server=server_id, event=event, error=str(error)[:300])
            connection.close()

    return report


def write_power_state(drivers: HostDrivers, server_id: uuid.UUID, event: str) -> None:
    """Write the hypervisor's current state, not the event's: events arrive late and twice.

    While a run is under way the run writes the state. If an event is skipped because the server is locked, the next
    recovery handles it.
    """
    server = selectors.load(server_id=server_id)
    if server is None or server.task_state or server.host != drivers.host or server.vm_state not in states.SETTLED:
        return
    info = drivers.hypervisor.info(str(server_id))
    if info is not None and info.reason == "io_error" and exports.revive(drivers, server_id):
        return
    power_state = str(info.power_state) if info else "shutdown"
    if power_state == "nostate" or not power.differs(server, power_state):
        return
    difference = f"{server.vm_state} by its row, {power_state} on the host"
    done = power.repair(drivers, server_id)
    if done and info is not None and info.reason:  # a pause needs somebody: a power-off is the guest's own affair
        findings.FindingReport(host=drivers.host).repaired(power.KIND, server_id, found=difference, done=done)
    log.info("power state changed", server=str(server_id), host=drivers.host, hypervisor_event=event)
