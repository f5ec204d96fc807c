"""The beat table: periodic messages on the queue ``periodic``. Beat reads it without Django."""

from typing import Any

from django.conf import settings

from apps.workflow.states import PERIODIC_QUEUE

# name -> (the function, every how many seconds)
TABLE: dict[str, tuple[str, float]] = {
    "periodic.sweep": ("workers.periodic.sweeper.sweep", settings.SWEEP_INTERVAL),
    "periodic.reconcile": ("workers.periodic.reconcile.reconcile", settings.RECONCILE_SECONDS),
    "periodic.expire_reservations": ("workers.periodic.expiry.reservations", 60.0),
    "periodic.confirm_resizes": ("workers.periodic.reclaim.confirm_resizes", 60.0),
    "periodic.drain": ("workers.periodic.draining.advance", 2.0),
    "periodic.fence": ("workers.periodic.fencing.fence", 10.0),
    "periodic.offload_shelved": ("workers.periodic.reclaim.offload_shelved", 60.0),
    "periodic.reclaim": ("workers.periodic.reclaim.reclaim", 60.0),
    "periodic.expire_uploads": ("workers.periodic.expiry.uploads", 300.0),
    "periodic.heartbeat": ("workers.periodic.heartbeat.beat", 15.0),
    "periodic.count": ("workers.periodic.counting.count", 60.0),
    "periodic.prune": ("workers.periodic.pruning.prune", 86400.0),
}


def entries() -> dict[str, dict[str, Any]]:
    """Return Celery's beat_schedule. A message that waited longer than its period is dropped: the next one is due."""
    return {
        name: {
            "task": name,
            "schedule": seconds,
            "options": {"expires": max(seconds, 1.0), "queue": PERIODIC_QUEUE},
        }
        for name, (_, seconds) in TABLE.items()
    }
