"""Reading networks."""

import uuid
from collections.abc import Iterable

from django.db.models import Prefetch, Q, QuerySet

from apps.common.context import RequestContext
from apps.common.sql.rows import Rows
from apps.networking import exceptions
from apps.networking.models import Network, Subnet
from apps.networking.selectors import sharing
from apps.networking.selectors import subnets as subnet_selectors


def visible(*, context: RequestContext) -> QuerySet[Network]:
    """Networks the caller may see: its project's, and shared and external ones; all for administrators."""
    rows = Network.objects.prefetch_related(Prefetch("subnets", Subnet.objects.select_related("subnetpool")))
    if context.is_admin:
        return rows
    project_id = context.project_id or "-"
    return rows.filter(Q(project_id=project_id) | sharing.shared_with(project_id) | sharing.external_to(project_id))


def get(*, context: RequestContext, network_id: uuid.UUID) -> Network:
    """Return a network the caller may see. Raises NetworkNotFound (404)."""
    network = visible(context=context).filter(id=network_id).first()
    if network is None:
        raise exceptions.NetworkNotFound(id=network_id)
    return network


def usable(*, context: RequestContext, network_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Network]:
    """Return those of ``network_ids`` that the caller may see, with their subnets. 2 queries."""
    wanted = list(network_ids)
    if len(wanted) != 1:
        return {row.id: row for row in visible(context=context).filter(id__in=wanted)}
    # The filters that nearly every boot needs.
    network = _ONE[context.is_admin].first(project=context.project_id or "-", network=wanted[0])
    if network is None:
        return {}
    subnets = network.subnets.all()
    subnets._result_cache = subnet_selectors.by_network(network_ids=[network.id])[network.id]
    network._prefetched_objects_cache = {"subnets": subnets}  # type: ignore[attr-defined]
    return {network.id: network}


_ONE = {
    admin: Rows(
        f"networking_network_{'any' if admin else 'visible'}",
        lambda project, network, admin=admin: (
            visible(context=RequestContext(project_id=project, is_admin=admin)).prefetch_related(None)
        ).filter(id=network),
        {"project": str, "network": uuid.UUID},
    )
    for admin in (True, False)
}


def owners(*, context: RequestContext, network_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return ID -> project of those of ``network_ids`` that the caller may see. 1 query."""
    rows = visible(context=context).prefetch_related(None).filter(id__in=list(network_ids))
    return dict(rows.values_list("id", "project_id"))


def owned(*, project_id: str) -> list[Network]:
    """Networks of a project that a server may be plugged in by itself: up, with a subnet, not external."""
    return list(_for_servers().filter(project_id=project_id)[:2])


def shared(*, project_id: str) -> list[Network]:
    """The same among networks that are shared with a project. At most two: more than one is already ambiguous."""
    return list(_for_servers().filter(sharing.shared_with(project_id))[:2])


def existing(*, network_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of ``network_ids`` that are there, for reconcilers: a host removes the others. 1 query."""
    return set(Network.objects.filter(id__in=list(network_ids)).values_list("id", flat=True))


def _for_servers() -> QuerySet[Network]:
    return (
        Network.objects.filter(admin_state_up=True, external=False, subnets__isnull=False)
        .order_by("created_at")
        .distinct()
    )


def names(*, network_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return ID -> name of the existing ones, without a policy check: for operators' pages. 1 query."""
    return dict(Network.objects.filter(id__in=list(network_ids)).values_list("id", "name"))
