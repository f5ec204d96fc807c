"""Extra routes of routers: parsed, and each next hop on one of the router's networks."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from apps.networking import exceptions, ranges
from apps.networking.models import FixedIP, Router

MAX_ROUTES = 30
Route = dict[str, str]


def parsed(documents: Sequence[dict[str, Any]]) -> list[Route]:
    """Return routes with their host bits zero, each once. Raises InvalidInput (400)."""
    routes = []
    for document in documents:
        destination = ranges.network(document["destination"], field="routes.destination")
        nexthop = ranges.address(document["nexthop"], field="routes.nexthop")
        if destination.version != nexthop.version:
            raise exceptions.InvalidInput(reason="routes: the IP versions of destination and nexthop differ")
        route = {"destination": str(destination), "nexthop": str(nexthop)}
        if route not in routes:
            routes.append(route)
    return routes


def added(held: Sequence[Route], documents: Sequence[dict[str, Any]]) -> list[Route]:
    """Return the routes held and those of a request; what is there already stays as it is."""
    return [*held, *(route for route in parsed(documents) if route not in held)]


def without(held: Sequence[Route], documents: Sequence[dict[str, Any]]) -> list[Route]:
    """Return the routes held but those of a request; what is not there is no error."""
    gone = parsed(documents)
    return [route for route in held if route not in gone]


def check(router: Router, routes: Sequence[Route]) -> None:
    """Refuse routes that a locked router cannot have. Raises InvalidRoutes and RoutesExhausted (400)."""
    if len(routes) > MAX_ROUTES:
        raise exceptions.RoutesExhausted(id=router.id, limit=MAX_ROUTES)
    own = list(addresses(router))
    connected = [ipaddress.ip_network(fixed.subnet.cidr) for fixed in own]
    for route in routes:
        nexthop = ipaddress.ip_address(route["nexthop"])
        if not any(nexthop in cidr for cidr in connected):
            raise exceptions.InvalidRoutes(routes=routes, reason="the nexthop is not connected with router")
        if any(str(nexthop) == fixed.ip_address for fixed in own):
            raise exceptions.InvalidRoutes(routes=routes, reason="the nexthop is used by router")


def addresses(router: Router) -> Iterable[FixedIP]:
    """Return a router's addresses with their subnets: of its interfaces and of its gateway."""
    ports = list(router.interfaces.values_list("port_id", flat=True))
    if router.gateway_port_id is not None:
        ports.append(router.gateway_port_id)
    return FixedIP.objects.filter(port_id__in=ports).select_related("subnet").order_by("id")


def through(routes: Sequence[Route], cidr: str) -> bool:
    """Return whether a next hop is in a range."""
    return any(ipaddress.ip_address(route["nexthop"]) in ipaddress.ip_network(cidr) for route in routes)
