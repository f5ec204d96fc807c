"""The beat table: what runs every so often, as tasks on the queue ``periodic``."""

from collections.abc import Callable

from celery import Celery
from celery.exceptions import Ignore
from django.conf import settings
from django.db import close_old_connections, connection

from workers import routing
from workers.periodic import expiry, pruning, reconcile, sweeper

# name -> (what it does, every how many seconds)
TABLE: dict[str, tuple[Callable[[], object], float]] = {
    "periodic.sweep": (sweeper.sweep, settings.SWEEP_INTERVAL),
    "periodic.reconcile": (reconcile.reconcile, settings.RECONCILE_SECONDS),
    "periodic.expire_reservations": (expiry.reservations, 60.0),
    "periodic.expire_uploads": (expiry.uploads, 300.0),
    "periodic.prune": (pruning.prune, 86400.0),
}


def register(app: Celery) -> None:
    """Make every row of the table a task, and put it into beat's schedule."""
    app.conf.beat_schedule = {
        # A message that waited longer than its period is worthless: the next one is there already.
        name: {"task": name, "schedule": seconds, "options": {"expires": max(seconds, 1.0)}}
        for name, (_, seconds) in TABLE.items()
    }
    for name, (work, _) in TABLE.items():
        routing.place(name, routing.PERIODIC_QUEUE)
        _task(app, name, work)


def _task(app: Celery, name: str, work: Callable[[], object]) -> None:
    @app.task(name=name)
    def run() -> None:
        close_old_connections()
        try:
            work()
        except Exception:
            if connection.is_usable():
                raise
            connection.close()
            raise Ignore from None
