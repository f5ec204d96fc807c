"""Runs the database's reconcilers one after the other, in one process at a time."""

import structlog
from django.db import connection

from apps.workflow import locks
from apps.workflow.services import findings
from workers.periodic.reconcilers import allocations, backup_plans, images, ports, quotas, runs, servers, volumes

log = structlog.get_logger("celerity.reconciler")
# Runs first, then servers: the others then do not report what these release. Images are on disk: they may take a while.
RECONCILERS = (runs, servers, volumes, ports, allocations, quotas, images, backup_plans)


def reconcile() -> dict[str, int]:
    """Compare, repair, report. Returns how much was found, by kind; a healthy cloud has nothing."""
    with locks.reconcile() as held:
        return _reconcile() if held else {}


def _reconcile() -> dict[str, int]:
    counts: dict[str, int] = {}
    for reconciler in RECONCILERS:
        try:
            with findings.reporting(kinds=reconciler.KINDS) as report:
                reconciler.reconcile(report)
            counts |= report.counts
        except Exception:
            if not connection.is_usable():
                raise
            log.exception("reconciler failed", reconciler=reconciler.__name__)
    return counts
