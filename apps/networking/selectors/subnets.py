"""Reading subnets."""

import uuid
from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.common.sql.rows import Rows
from apps.networking import exceptions
from apps.networking.models import Subnet
from apps.networking.selectors import sharing

_OF_NETWORK = Rows(
    "networking_subnets_of_network",
    lambda network: Subnet.objects.filter(network_id=network).order_by("created_at", "id"),
    {"network": uuid.UUID},
)

_OF_SHARED = Rows(
    "networking_subnets_of_shared_network",
    lambda network, project: Subnet.objects.filter(
        sharing.shared_with(project, prefix="network__"), network_id=network
    ).order_by("created_at", "id"),
    {"network": uuid.UUID, "project": str},
)


def visible(*, context: RequestContext) -> QuerySet[Subnet]:
    """Subnets the caller may see: its project's, and those of shared networks; all for administrators."""
    rows = Subnet.objects.select_related("network")
    if context.is_admin:
        return rows
    return rows.filter(
        Q(project_id=context.project_id or "-") | sharing.shared_with(context.project_id, prefix="network__")
    )


def get(*, context: RequestContext, subnet_id: uuid.UUID) -> Subnet:
    """Return a subnet the caller may see. Raises SubnetNotFound (404)."""
    subnet = visible(context=context).filter(id=subnet_id).first()
    if subnet is None:
        raise exceptions.SubnetNotFound(id=subnet_id)
    return subnet


def by_network(*, network_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Subnet]]:
    """Return the subnets of networks, oldest first. 1 query."""
    wanted = list(network_ids)
    if len(wanted) == 1:
        return {wanted[0]: _OF_NETWORK.fetch(network=wanted[0])}
    by_network: dict[uuid.UUID, list[Subnet]] = defaultdict(list)
    for subnet in Subnet.objects.filter(network_id__in=wanted).order_by("created_at", "id"):
        by_network[subnet.network_id].append(subnet)
    return by_network


def of_shared(*, network_id: uuid.UUID, project_id: str) -> list[Subnet]:
    """Return the subnets of a network, oldest first; none if it is not shared with the project. 1 query."""
    return _OF_SHARED.fetch(network=network_id, project=project_id)
