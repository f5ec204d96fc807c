"""Reading routers."""

import uuid
from collections.abc import Iterable

from django.db.models import Prefetch, QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import FixedIP, Router, RouterInterface


def with_parts() -> QuerySet[Router]:
    """Routers with the gateway that their documents show: 1 more query for any number of routers."""
    return Router.objects.select_related("gateway_port").prefetch_related(
        Prefetch("gateway_port__fixed_ips", FixedIP.objects.order_by("id"))
    )


def visible(*, context: RequestContext) -> QuerySet[Router]:
    """Routers the caller may see: its project's; all for administrators."""
    rows = with_parts()
    return rows if context.is_admin else rows.filter(project_id=context.project_id or "-")


def get(*, context: RequestContext, router_id: uuid.UUID) -> Router:
    """Return a router the caller may see. Raises RouterNotFound (404)."""
    router = visible(context=context).filter(id=router_id).first()
    if router is None:
        raise exceptions.RouterNotFound(id=router_id)
    return router


def interfaces(*, router_id: uuid.UUID) -> list[RouterInterface]:
    """Return a router's interfaces with their ports, addresses and subnets. 2 queries."""
    rows = RouterInterface.objects.filter(router_id=router_id).select_related("port").order_by("id")
    return list(rows.prefetch_related(Prefetch("port__fixed_ips", FixedIP.objects.select_related("subnet"))))


def with_gateways() -> list[uuid.UUID]:
    """Return the ids of all routers that lead out of the cloud. 1 query."""
    return list(Router.objects.filter(gateway_port__isnull=False).order_by("id").values_list("id", flat=True))


def leading_to(*, subnet_ids: Iterable[uuid.UUID], external_network_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the routers between subnets and an external network; those at a subnet's gateway address first."""
    feet = FixedIP.objects.filter(
        subnet_id__in=list(subnet_ids),
        port__router_interface__router__gateway_port__network_id=external_network_id,
    ).select_related("subnet", "port__router_interface")
    ordered = sorted(feet.order_by("id"), key=lambda foot: foot.ip_address != foot.subnet.gateway_ip)
    return list(dict.fromkeys(foot.port.router_interface.router_id for foot in ordered))
