"""Which queue a message goes to: read out of the message itself, so later links follow the chosen host."""

from typing import Any

from apps.workflow.states import SCHEDULER_QUEUE, host_queue

HOST = "host"
SCHEDULER = "scheduler"
PERIODIC_QUEUE = "periodic"
DETACHED_QUEUE = SCHEDULER_QUEUE  # serves runs whose host is out of reach: rows only

_where: dict[str, str] = {}


def place(task: str, where: str) -> None:
    """Say on whose queue a task runs: HOST, SCHEDULER or PERIODIC_QUEUE."""
    _where[task] = where


def queue_of(where: str, host: str) -> str:
    return host_queue(host) if where == HOST and host else SCHEDULER_QUEUE


def is_detached(task: str, *, queue: str, host: str) -> bool:
    """Return whether a task that belongs to a host was put on another queue."""
    return _where.get(task) == HOST and bool(host) and queue != host_queue(host)


def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_: Any) -> dict[str, str] | None:
    """Celery's router function."""
    where = _where.get(name)
    if where is None:
        return None
    if where == PERIODIC_QUEUE:
        return {"queue": PERIODIC_QUEUE}
    message = args[0] if args and isinstance(args[0], dict) else {}
    if message.get("detached"):
        return {"queue": DETACHED_QUEUE}
    return {"queue": queue_of(where, message.get("host", ""))}
