"""Reading ports."""

import uuid
from collections.abc import Iterable

from django.db.models import Count, Prefetch, Q, QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import FixedIP, Port, PortSecurityGroup, SubPort
from apps.networking.selectors.bindings import (
    bound_server_ids,
    for_servers,
    specs_for_host,
    specs_for_network,
    specs_for_server,
    specs_for_servers,
)

__all__ = [
    "bound_server_ids",
    "for_servers",
    "get",
    "specs_for_host",
    "specs_for_network",
    "specs_for_server",
    "specs_for_servers",
    "usable",
    "visible",
]


def with_parts() -> QuerySet[Port]:
    """Ports with the addresses, groups and trunks that their documents show: 2 more queries for any number of ports,
    and 2 where there are trunks.
    """
    return Port.objects.select_related("trunk").prefetch_related(
        Prefetch("fixed_ips", FixedIP.objects.order_by("id")),
        Prefetch("portsecuritygroup_set", PortSecurityGroup.objects.order_by("id")),
        Prefetch("trunk__sub_ports", SubPort.objects.select_related("port").order_by("segmentation_id")),
    )


def visible(*, context: RequestContext) -> QuerySet[Port]:
    """Ports the caller may see: its project's, and those on its project's networks; all for administrators."""
    rows = with_parts().select_related("network")
    if context.is_admin:
        return rows
    project = context.project_id or "-"
    return rows.filter(Q(project_id=project) | Q(network__project_id=project))


def get(*, context: RequestContext, port_id: uuid.UUID) -> Port:
    """Return a port the caller may see. Raises PortNotFound (404)."""
    port = visible(context=context).filter(id=port_id).first()
    if port is None:
        raise exceptions.PortNotFound(id=port_id)
    return port


def of_server(*, server_id: uuid.UUID) -> list[Port]:
    """Return a server's ports in the order of its request, without a policy check. 3 queries."""
    rows = with_parts().filter(device_id=str(server_id), request_index__isnull=False)
    return list(rows.order_by("request_index"))


def counts(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many ports were made for each of these servers, without those of the users' own. 1 query."""
    devices = {str(key): key for key in server_ids}
    rows = Port.objects.filter(device_id__in=list(devices), request_index__isnull=False, preserved=False)
    counted = rows.values_list("device_id").annotate(count=Count("id")).order_by()
    return {devices[device]: count for device, count in counted} if devices else {}


def usable(*, context: RequestContext, port_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Port]:
    """Return those of ``port_ids`` that belong to the caller's project (any project's for administrators)."""
    wanted = list(port_ids)
    if not wanted:
        return {}
    rows = with_parts().filter(id__in=wanted)
    if not context.is_admin:
        rows = rows.filter(project_id=context.project_id or "-")
    return {row.id: row for row in rows}
