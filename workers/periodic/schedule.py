"""The beat table's functions as tasks."""

from collections.abc import Callable

from celery import Celery
from celery.exceptions import Ignore
from django.db import DatabaseError, close_old_connections, connection
from django.utils.module_loading import import_string

from apps.workflow.states import PERIODIC_QUEUE
from workers import listening, routing
from workers.periodic.timetable import TABLE


def register(app: Celery) -> None:
    """Make every row of the table a task."""
    for name, (path, _) in TABLE.items():
        routing.assign(name, PERIODIC_QUEUE)
        _task(app, name, import_string(path))


def _task(app: Celery, name: str, work: Callable[[], object]) -> None:
    # No events: a round every two seconds would displace the servers' steps in Flower.
    @app.task(name=name, send_events=False)  # type: ignore[untyped-decorator]
    def run() -> None:
        close_old_connections()
        try:
            work()
        except Exception:
            if connection.is_usable():
                raise
            connection.close()
            if _is_away():
                listening.begin()
            raise Ignore from None


def _is_away() -> bool:
    """Return whether the database does not answer: no host could report either. Else this session alone has ended."""
    try:
        connection.ensure_connection()
    except DatabaseError:
        return True
    return False
