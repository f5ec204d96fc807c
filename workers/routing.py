"""Which queue a message goes to: read out of the message itself, so later links follow the hosts that were chosen."""

from collections.abc import Mapping
from typing import Any

from apps.workflow.states import DESTINATION, PERIODIC_QUEUE, REVERT, SCHEDULER_QUEUE, SOURCE, host_queue

# Roles: where a step of a pipeline runs. A run keeps the host of each role that its pipeline names.
SCHEDULER = "scheduler"  # no host: rows alone
HOST = "host"  # the host of a pipeline that has one
STORAGE_HOST = "storage_host"
NETWORK_HOST = "network_host"
HOST_ROLES = (HOST, SOURCE, DESTINATION, STORAGE_HOST, NETWORK_HOST)

DETACHED_QUEUE = SCHEDULER_QUEUE  # serves steps whose host is out of reach: rows only

_roles: dict[str, str] = {}
_long: set[str] = set()


def assign(task: str, role: str, *, long: bool = False) -> None:
    """Say where a task runs: a role, REVERT for the host that the run is at, or PERIODIC_QUEUE. ``long``: on the
    host's queue of long steps.
    """
    _roles[task] = role
    if long:
        _long.add(task)


def host_of(role: str, message: Mapping[str, Any]) -> str:
    """Return the host of a role, "" where the role has none. ``host`` in a message is the run's host."""
    if role == SCHEDULER:
        return ""
    hosts = message.get("hosts")
    return str(hosts.get(role, "") if hosts and role != REVERT else message.get("host", ""))


def queue_of(host: str, *, long: bool = False, unreachable: str = "") -> str:
    """Return the queue that serves a step on ``host``; that of rows alone if there is none, or it is unreachable."""
    if not host:
        return SCHEDULER_QUEUE
    return DETACHED_QUEUE if host == unreachable else host_queue(host, long=long)


def unreachable_host(task: str, *, queue: str, host: str) -> str:
    """Return the host of a task that was put on the queue of rows alone although its role has a host, or ""."""
    return host if _roles.get(task, SCHEDULER) != SCHEDULER and queue == DETACHED_QUEUE else ""


def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_: Any) -> dict[str, str] | None:
    """Celery's router function."""
    role = _roles.get(name)
    if role is None:
        return None
    if role == PERIODIC_QUEUE:
        return {"queue": PERIODIC_QUEUE}
    message = args[0] if args and isinstance(args[0], dict) else {}
    host, unreachable = host_of(role, message), message.get("unreachable", "")
    long = name in _long or bool(message.get("long"))  # a step that found its work long
    return {"queue": queue_of(host, long=long, unreachable=unreachable)}
