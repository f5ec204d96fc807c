"""Recovery: an agent compares its host with the rows, at its start and every ``RECOVERY_SECONDS``.

The modules of ``workers.host.reconcilers`` say what is compared and repaired, by which rules.
"""

from dataclasses import replace
from types import ModuleType

import structlog
from django.db import connection

from apps.workflow.services import findings
from apps.workflow.services.findings import FindingReport
from workers.config import HostDrivers
from workers.host import boot
from workers.host.reconcilers import (
    arrivals,
    backups,
    base,
    copies,
    disks,
    domains,
    exports,
    images,
    ports,
    power,
    snapshots,
    swaps,
    volume_keys,
    volumes,
)
from workers.host.reconcilers.base import HostSnapshot

log = structlog.get_logger("celerity.agent")
# Guests are started on their ports, with the volumes that they had. Each closes the findings of its kinds alone.
GUESTS: tuple[tuple[ModuleType, tuple[str, ...]], ...] = (
    (ports, (ports.KIND, ports.NETWORK)),
    (arrivals, (arrivals.KIND,)),
    (swaps, (swaps.KIND,)),
    (power, (power.KIND,)),
)
REST: tuple[tuple[ModuleType, tuple[str, ...]], ...] = (
    (domains, (domains.KIND, domains.FILES)),
    (copies, (copies.KIND,)),
    (disks, (disks.KIND,)),
    (exports, (exports.KIND,)),
    (volume_keys, (volume_keys.KIND,)),
    (volumes, (volumes.KIND, volumes.POOL)),
    (backups, (backups.KIND,)),
    (images, (images.KIND,)),
    (snapshots, (snapshots.KIND,)),
)


def recover(drivers: HostDrivers) -> dict[str, int]:
    """Adjust the host to the rows. Returns the number of findings by kind; a healthy host has none.

    One reconciler that fails keeps none behind it from looking, but for guests: without their ports none is started,
    and until both have ended well the machine counts as just restarted.
    """
    restarted = boot.restarted(drivers.paths)
    snapshot = base.take_snapshot(drivers, FindingReport(drivers.host), restarted=restarted)
    counts: dict[str, int] = {}
    for module, kinds in GUESTS:
        counts |= _reconcile(module, kinds, snapshot)
    boot.remember(drivers.paths)
    for module, kinds in REST:
        try:
            counts |= _reconcile(module, kinds, snapshot)
        except Exception:
            if not connection.is_usable():
                raise
            log.exception("reconciler failed", reconciler=module.__name__, host=drivers.host)
    if counts:
        log.info("recovered", host=drivers.host, machine_restarted=restarted, **counts)
    return counts


def _reconcile(module: ModuleType, kinds: tuple[str, ...], snapshot: HostSnapshot) -> dict[str, int]:
    with findings.reporting(kinds=kinds, host=snapshot.drivers.host) as report:
        module.reconcile(replace(snapshot, report=report))
    return report.counts
