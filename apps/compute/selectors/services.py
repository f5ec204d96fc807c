"""Hosts as compute services: the agent of each host."""

from typing import Any

from django.db.models import QuerySet

from apps.common.exceptions import BadRequest
from apps.common.identifiers import parse_uuid
from apps.compute.exceptions import ServiceNotFound
from apps.compute.models import Server
from apps.scheduling.selectors import hosts

BINARY = "nova-compute"


def listed(*, host: str | None = None, binary: str | None = None) -> QuerySet[Any]:
    """Return the hosts whose services match."""
    rows = hosts.all_hosts().select_related(None)
    if host:
        rows = rows.filter(name=host)
    return rows if not binary or binary == BINARY else rows.none()


def get(*, key: str, by_uuid: bool) -> Any:
    """Return the host of a service's id. Raises BadRequest (400), ServiceNotFound (404)."""
    rows = hosts.all_hosts().select_related(None)
    if by_uuid:
        value = parse_uuid(key)
        if value is None:
            raise BadRequest(f"Invalid uuid {key[:64]}")
        found = rows.filter(id=value).first()
    elif key.isascii() and key.isdigit() and len(key) < 19:
        found = rows.filter(number=int(key)).first()
    else:
        raise BadRequest(f"Invalid service id {key[:64]}: it must be a whole number.")
    if found is None:
        raise ServiceNotFound(service=key[:64])
    return found


def get_by_name(*, host: str, binary: str) -> Any:
    """Raises ServiceNotFound (404)."""
    found = listed(host=host, binary=binary).first()
    if found is None:
        raise ServiceNotFound(f"Could not find binary {binary[:64]} on host {host[:64]}.")
    return found


def has_servers(*, host: str) -> bool:
    return Server.objects.filter(host=host, deleted_at=None).exists()
