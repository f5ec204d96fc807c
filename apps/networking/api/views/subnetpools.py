"""Subnet pools."""

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.common.exceptions import PolicyForbidden
from apps.networking.api import filters, permissions
from apps.networking.api.documents import subnetpools as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import subnetpools as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import SubnetPoolNotFound
from apps.networking.selectors import networks as network_selectors
from apps.networking.selectors import subnetpools as selectors
from apps.networking.services import subnetpools


class _SubnetPools(Noun):
    noun, plural, collection = "subnetpool", "subnetpools", "subnetpools"
    not_found = SubnetPoolNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class SubnetPools(_SubnetPools, Collection):
    """List and create."""

    request_serializers = {"post": serializers.SubnetPoolCreate}
    filters = filters.SUBNETPOOLS
    listing = LISTING.sorted_by("ip_version", "is_default", "shared", "default_prefixlen", "address_scope_id")
    examples = {"POST": {"subnetpool": {"name": "private", "prefixes": ["10.0.0.0/8"], "default_prefixlen": 24}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_new_shared(self.caller, self.noun, values)
        return subnetpools.create(context=self.caller, values=values)


class SubnetPoolItem(_SubnetPools, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.SubnetPoolUpdate}
    examples = {"PUT": {"subnetpool": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, subnetpool_id=item_id)

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        permissions.check_shared(self.caller, self.noun, row, values)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return subnetpools.update(context=self.caller, subnetpool=row, values=values)

    def remove(self, row: Any) -> None:
        subnetpools.delete(subnetpool=row)


class _Action(_SubnetPools):
    """``rule`` is the policy rule, which has the name of the action."""

    rule: ClassVar[str]

    def loaded(self, item_id: str) -> Any:
        """Return the pool, if the caller may act on it. Raises SubnetPoolNotFound (404), PolicyForbidden (403)."""
        row = selectors.get(context=self.caller, subnetpool_id=self.id_of(item_id))
        policy.check(self.caller, self.rule, {"project_id": row.project_id})
        return row


class AddPrefixes(_Action):
    """Add prefixes to those of a pool."""

    rule = "add_prefixes"
    request_serializers = {"put": serializers.Prefixes}
    examples = {"PUT": {"prefixes": ["10.1.0.0/16"]}}

    def put(self, request: Request, item_id: str) -> Response:
        prefixes = self.parse(request)["prefixes"]
        pool = subnetpools.add_prefixes(context=self.caller, subnetpool=self.loaded(item_id), prefixes=prefixes)
        return Response({"prefixes": pool.prefixes})


class RemovePrefixes(_Action):
    """Take prefixes of a pool away."""

    rule = "remove_prefixes"
    request_serializers = {"put": serializers.Prefixes}
    examples = {"PUT": {"prefixes": ["10.1.0.0/16"]}}

    def put(self, request: Request, item_id: str) -> Response:
        prefixes = self.parse(request)["prefixes"]
        pool = subnetpools.remove_prefixes(context=self.caller, subnetpool=self.loaded(item_id), prefixes=prefixes)
        return Response({"prefixes": pool.prefixes})


class OnboardNetworkSubnets(_Action):
    """Take the subnets of a network into a pool."""

    rule = "onboard_network_subnets"
    request_serializers = {"put": serializers.NetworkOfSubnets}
    examples = {"PUT": {"network_id": "<id>"}}

    def put(self, request: Request, item_id: str) -> Response:
        network_id = self.parse(request)["network_id"]
        pool = self.loaded(item_id)
        network = network_selectors.get(context=self.caller, network_id=network_id)
        if not self.caller.is_admin and network.project_id != self.caller.project_id:
            raise PolicyForbidden(rule=self.rule)
        rows = subnetpools.onboard(context=self.caller, subnetpool=pool, network=network)
        return Response([{"id": str(row.id), "cidr": row.cidr} for row in rows])
