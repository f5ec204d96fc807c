"""Refusals about routers."""

from apps.common.exceptions import BadRequest, Conflict, NotFound

_FOOT = "Router interface for subnet {subnet_id} on router {id} cannot be deleted, as it is required by one or more "


class RouterNotFound(NotFound):
    kind = "RouterNotFound"
    template = "Router {id} could not be found"


class RouterRefused(BadRequest):
    kind = "BadRequest"
    template = "Bad router request: {reason}."


class RouterInUse(Conflict):
    kind = "RouterInUse"
    template = "Router {id} still has ports"


class RouterInterfaceNotFound(NotFound):
    kind = "RouterInterfaceNotFound"
    template = "Router {id} does not have an interface with id {port_id}"


class RouterInterfaceNotFoundForSubnet(NotFound):
    kind = "RouterInterfaceNotFoundForSubnet"
    template = "Router {id} has no interface on subnet {subnet_id}"


class SubnetMismatchForPort(BadRequest):
    kind = "SubnetMismatchForPort"
    template = "Subnet on port {port_id} does not match the requested subnet {subnet_id}."


class RouterInterfaceNeededByFloatingIp(Conflict):
    kind = "RouterInterfaceInUseByFloatingIP"
    template = _FOOT + "floating IPs."


class RouterInterfaceNeededByRoute(Conflict):
    kind = "RouterInterfaceInUseByRoute"
    template = _FOOT + "routes."


class RouterGatewayNeeded(Conflict):
    kind = "RouterExternalGatewayInUseByFloatingIp"
    template = (
        "Gateway cannot be updated for router {id}, since a gateway to external network {network_id} is required by "
        "one or more floating IPs."
    )


class InvalidRoutes(BadRequest):
    kind = "InvalidRoutes"
    template = "Invalid format for routes: {routes}, {reason}"


class RoutesExhausted(BadRequest):
    kind = "RoutesExhausted"
    template = "Unable to complete operation for {id}. The number of routes exceeds the maximum {limit}."
