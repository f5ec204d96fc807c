"""Quotas that a request for servers meets before anything is written; the reservation decides."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute.models import Server
from apps.compute.selectors import servers
from apps.networking.services import quotas as quota_services
from apps.networking.values import RequestedNetwork
from apps.quotas.exceptions import QuotaExceeded
from apps.quotas.selectors import limits, usages


def check_items(context: RequestContext, row: Mapping[str, Any]) -> None:
    """Check what is counted per server: metadata items and injected files. Raises QuotaExceeded (403)."""
    metadata, files = row.get("metadata") or {}, row.get("personality") or []
    if not metadata and not files:
        return
    allowed = limits.of_owner(owner_id=str(context.project_id))
    for resource, count in {"metadata_items": len(metadata), "injected_files": len(files)}.items():
        _check(resource, count, allowed)
    for injected in files:
        _check("injected_file_content_bytes", len(base64.b64decode(injected["contents"])), allowed)


def _check(resource: str, count: int, allowed: Mapping[str, int]) -> None:
    if 0 <= allowed[resource] < count:
        raise QuotaExceeded(resource=resource, requested=count, used=0, allowed=allowed[resource])


def check_interfaces(requested: Sequence[RequestedNetwork], count: int) -> None:
    """Check that ``count`` servers can have these interfaces: a port or an address is of one server.

    Raises BadRequest (400).
    """
    if count > 1 and any(network.port_id for network in requested):
        raise BadRequest("Unable to launch multiple instances with a single configured port ID.")
    if count > 1 and any(network.fixed_ip for network in requested):
        raise BadRequest("Invalid fixed IP: several instances cannot have the same one.")


def check_ports(template: Server, count: int) -> None:
    """Check that the project may have the ports of ``count`` new servers, first in the transaction that writes them.

    Raises OverQuota (409).
    """
    wanted = servers.new_ports(template.requested_networks or [])
    if wanted > 1:
        project = template.project_id
        quota_services.check_ports(
            project_id=project, adding=lambda: wanted * count + servers.ports_to_come(project_id=project)
        )


def room(*, context: RequestContext, usage: dict[str, int], least: int, most: int) -> int:
    """Return how many of ``most`` servers the quota has room for now. Raises QuotaExceeded below ``least``.

    A plain look, before anything large is built for a request that cannot be served; the reservation decides.
    """
    owner = str(context.project_id)
    allowed, used = limits.of_owner(owner_id=owner), usages.of_owner(owner_id=owner)
    for resource, amount in sorted(usage.items()):
        taken = sum(used.get(resource, (0, 0)))
        room = (allowed[resource] - taken) // amount if allowed[resource] >= 0 and amount else most
        if room < least:
            raise QuotaExceeded(resource=resource, requested=least * amount, used=taken, allowed=allowed[resource])
        most = min(most, room)
    return most
