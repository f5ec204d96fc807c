"""Routers, their interfaces and extra routes."""

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.networking.api import filters, permissions
from apps.networking.api.documents import routers as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import routers as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import RouterNotFound, RouterRefused
from apps.networking.selectors import routers as selectors
from apps.networking.services import router_interfaces, routers


class _Routers(Noun):
    noun, plural, collection = "router", "routers", "routers"
    not_found = RouterNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class Routers(_Routers, Collection):
    """List and create."""

    request_serializers = {"post": serializers.RouterCreate}
    filters = filters.ROUTERS
    listing = LISTING.sorted_by("status", "admin_state_up")
    examples = {"POST": {"router": {"name": "way-out", "external_gateway_info": {"network_id": "<id>"}}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_new_router(self.caller, values)
        return routers.create(context=self.caller, values=values)


class RouterItem(_Routers, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.RouterUpdate}
    examples = {"PUT": {"router": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, router_id=item_id)

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        permissions.check_router(self.caller, row, values)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return routers.update(context=self.caller, router=row, values=values)

    def remove(self, row: Any) -> None:
        routers.delete(router=row)


class _Action(_Routers):
    """``rule`` is the policy rule, which has the name of the action."""

    rule: ClassVar[str]

    def loaded(self, item_id: str) -> Any:
        """Return the router, if the caller may act on it. Raises RouterNotFound (404), PolicyForbidden (403)."""
        row = selectors.get(context=self.caller, router_id=self.id_of(item_id))
        policy.check(self.caller, self.rule, {"project_id": row.project_id})
        return row


class AddRouterInterface(_Action):
    """Put a router on a subnet, or make a port its interface."""

    rule = "add_router_interface"
    request_serializers = {"put": serializers.InterfaceDocument}
    examples = {"PUT": {"subnet_id": "<id>"}}

    def put(self, request: Request, item_id: str) -> Response:
        values = self.parse(request)
        router = self.loaded(item_id)
        if len(values) == 2:
            raise RouterRefused(reason="Cannot specify both subnet-id and port-id")
        if not values:
            raise RouterRefused(reason="Either subnet_id or port_id must be specified")
        if "subnet_id" in values:
            made = router_interfaces.add_subnet(context=self.caller, router=router, subnet_id=values["subnet_id"])
        else:
            made = router_interfaces.add_port(context=self.caller, router=router, port_id=values["port_id"])
        return Response(documents.interface(router, made))


class RemoveRouterInterface(_Action):
    """Take a router off a subnet, or take an interface away with its port."""

    rule = "remove_router_interface"
    request_serializers = {"put": serializers.InterfaceDocument}
    examples = {"PUT": {"subnet_id": "<id>"}}

    def put(self, request: Request, item_id: str) -> Response:
        values = self.parse(request)
        router = self.loaded(item_id)
        if not values:
            raise RouterRefused(reason="Either subnet_id or port_id must be specified")
        return Response(documents.interface(router, router_interfaces.remove(router=router, **values)))


class AddExtraRoutes(_Action):
    """Add routes to those of a router."""

    rule = "add_extraroutes"
    request_serializers = {"put": serializers.ExtraRoutes}
    examples = {"PUT": {"router": {"routes": [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.9"}]}}}

    def put(self, request: Request, item_id: str) -> Response:
        routes = self.parse(request, self.noun)["routes"]
        router = routers.add_routes(context=self.caller, router=self.loaded(item_id), routes=routes)
        return Response({self.noun: self.render(router)})


class RemoveExtraRoutes(_Action):
    """Take routes of a router away."""

    rule = "remove_extraroutes"
    request_serializers = {"put": serializers.ExtraRoutes}
    examples = {"PUT": {"router": {"routes": [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.9"}]}}}

    def put(self, request: Request, item_id: str) -> Response:
        routes = self.parse(request, self.noun)["routes"]
        router = routers.remove_routes(context=self.caller, router=self.loaded(item_id), routes=routes)
        return Response({self.noun: self.render(router)})
