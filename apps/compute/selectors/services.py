"""Hosts as compute services, the agent of each host; and the machines that run schedulers."""

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.compute.exceptions import ServiceNotFound
from apps.compute.models import Server
from apps.scheduling.selectors import hosts, schedulers

if TYPE_CHECKING:
    from apps.scheduling.models import Host, Scheduler

BINARY = "nova-compute"
SCHEDULER_BINARY = "nova-scheduler"
INTERNAL_ZONE = "internal"  # of services that run no servers, as in Nova


def listed(*, host: str | None = None, binary: str | None = None) -> QuerySet["Host"]:
    """Return the hosts whose services match."""
    rows = hosts.all_hosts().select_related(None)
    if host:
        rows = rows.filter(name=host)
    return rows if not binary or binary == BINARY else rows.none()


def listed_schedulers(*, host: str | None = None, binary: str | None = None) -> list["Scheduler"]:
    """Return the machines with schedulers whose services match. 1 query."""
    rows = schedulers.everything()
    if host:
        rows = rows.filter(host=host)
    return list(rows) if not binary or binary == SCHEDULER_BINARY else []


def get_scheduler(*, key: str, by_uuid: bool) -> "Scheduler | None":
    """Return the machine of a scheduler's service id, or None."""
    if by_uuid:
        service_id = parse_uuid(key)
        return schedulers.everything().filter(id=service_id).first() if service_id else None
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 19 else -1
    return schedulers.everything().filter(number=number).first()


def get(*, key: str, by_uuid: bool) -> "Host":
    """Return the host of a service's id. Raises BadRequest (400), ServiceNotFound (404)."""
    rows = hosts.all_hosts().select_related(None)
    if by_uuid:
        value = parse_uuid(key)
        if value is None:
            raise BadRequest(f"Invalid uuid {key[:64]}")
        host = rows.filter(id=value).first()
    elif key.isascii() and key.isdigit() and len(key) < 19:
        host = rows.filter(number=int(key)).first()
    else:
        raise BadRequest(f"Invalid service id {key[:64]}: it must be a whole number.")
    if host is None:
        raise ServiceNotFound(service=key[:64])
    return host


def get_by_name(*, host: str, binary: str) -> "Host":
    """Raises ServiceNotFound (404)."""
    row = listed(host=host, binary=binary).first()
    if row is None:
        raise ServiceNotFound(f"Could not find binary {binary[:64]} on host {host[:64]}.")
    return row


def has_servers(*, host: str) -> bool:
    return Server.objects.filter(host=host, deleted_at=None).exists()
