"""Recovery: an agent compares its host with the rows, at its start and every ``RECOVERY_SECONDS``.

What is compared, by which rules, and what is done: see the modules of ``workers.host.reconcilers``.
"""

import structlog

from apps.workflow.services import findings
from workers.config import HostDrivers
from workers.host import boot
from workers.host.reconcilers import base, domains, images, ports, power

log = structlog.get_logger("celerity.agent")
KINDS = (ports.KIND, ports.NETWORK, power.KIND, domains.KIND, domains.FILES, images.KIND)


def recover(drivers: HostDrivers) -> dict[str, int]:
    """Make the host what the rows say. Returns what was found, by kind; a healthy host has nothing."""
    restarted = boot.restarted(drivers.paths)
    with findings.looking(kinds=KINDS, host=drivers.host) as told:
        one = base.look(drivers, told, restarted=restarted)
        ports.reconcile(one)
        power.reconcile(one)
        domains.reconcile(one)
        images.reconcile(one)
    boot.remember(drivers.paths)
    if told.counts:
        log.info("recovered", host=drivers.host, machine_restarted=restarted, **told.counts)
    return told.counts
