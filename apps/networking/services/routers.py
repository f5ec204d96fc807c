"""Writing routers. Callers have checked policy (``api/permissions.py``)."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, rpcapi
from apps.networking.models import Router, RouterInterface
from apps.networking.selectors import availability_zones
from apps.networking.selectors import routers as selectors
from apps.networking.services import extra_routes, ownership, quotas, router_gateways, router_interfaces

_PLAIN = ("name", "description", "admin_state_up", "availability_zone_hints")
Routes = Sequence[dict[str, Any]]


def create(*, context: RequestContext, values: dict[str, Any]) -> Router:
    """Make a router, perhaps with a gateway.

    Raises InvalidInput (400), ZoneNotFound (404), OverQuota (409) and the errors of a gateway.
    """
    project_id = ownership.of(context=context, values=values)
    availability_zones.check_all(values.get("availability_zone_hints", ()))
    with transaction.atomic():
        quotas.check(resource="router", project_id=project_id)
        router = Router.objects.create(project_id=project_id, **_columns(values))
        if values.get("external_gateway_info"):
            router_gateways.change(context=context, router=router, info=values["external_gateway_info"])
        rpcapi.changed(routers=[router.id])
    return selectors.get(context=context, router_id=router.id)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in _PLAIN if key in values}


def update(*, context: RequestContext, router: Router, values: dict[str, Any]) -> Router:
    """Change a router. ``routes`` replaces its extra routes, ``external_gateway_info`` its gateway.

    Raises RouterNotFound (404), InvalidRoutes, RoutesExhausted (400), and the errors of a gateway.
    """
    with transaction.atomic():
        locked = router_interfaces.lock(router)
        columns = _columns(values)
        if "external_gateway_info" in values:
            router_gateways.change(context=context, router=locked, info=values["external_gateway_info"])
        if "routes" in values:
            columns["routes"] = extra_routes.parsed(values["routes"])
        if {"routes", "external_gateway_info"} & values.keys():
            extra_routes.check(locked, columns.get("routes", locked.routes))
        _write(locked, columns)
    return selectors.get(context=context, router_id=router.id)


def _write(router: Router, columns: dict[str, Any]) -> None:
    Router.objects.filter(id=router.id).update(
        **columns, revision_number=F("revision_number") + 1, updated_at=timezone.now()
    )
    rpcapi.changed(routers=[router.id])


def add_routes(*, context: RequestContext, router: Router, routes: Routes) -> Router:
    """Add extra routes to those that are there. Raises InvalidRoutes, RoutesExhausted (400)."""
    return _change_routes(context, router, lambda held: extra_routes.added(held, routes))


def remove_routes(*, context: RequestContext, router: Router, routes: Routes) -> Router:
    """Take extra routes away; absent is success."""
    return _change_routes(context, router, lambda held: extra_routes.without(held, routes))


def _change_routes(
    context: RequestContext, router: Router, change: Callable[[Sequence[extra_routes.Route]], list[extra_routes.Route]]
) -> Router:
    with transaction.atomic():
        locked = router_interfaces.lock(router)
        routes = change(locked.routes)
        extra_routes.check(locked, routes)
        _write(locked, {"routes": routes})
    return selectors.get(context=context, router_id=router.id)


def delete(*, router: Router) -> None:
    """Delete a router without interfaces. Raises RouterInUse and RouterGatewayNeeded (409)."""
    try:
        with transaction.atomic():
            locked = locks.router_to_delete(router.id)
            if locked is None:
                raise exceptions.RouterNotFound(id=router.id)
            if RouterInterface.objects.filter(router=locked).exists():
                raise exceptions.RouterInUse(id=router.id)
            router_gateways.remove(locked)
            rpcapi.changed(routers=[router.id])
            locked.delete()
    except (ProtectedError, IntegrityError):
        raise exceptions.RouterInUse(id=router.id) from None
