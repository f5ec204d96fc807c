"""Subnets."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.common.api import queries
from apps.networking.api import filters, permissions
from apps.networking.api.documents import subnets as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import subnets as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import SubnetNotFound
from apps.networking.selectors import networks as network_selectors
from apps.networking.selectors import subnets as selectors
from apps.networking.services import subnets


class _Subnets(Noun):
    noun, plural, collection = "subnet", "subnets", "subnets"
    not_found = SubnetNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class Subnets(_Subnets, Collection):
    """List and create."""

    request_serializers = {"post": serializers.SubnetCreate}
    filters = filters.SUBNETS
    listing = LISTING.sorted_by("network_id", "cidr", "ip_version")
    examples = {"POST": {"subnet": {"network_id": "<id>", "cidr": "10.0.0.0/24", "ip_version": 4}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def rows(self) -> QuerySet[Any]:
        return filters.on_subnets(super().rows(), queries.plain(self.request.query_params))

    def make(self, values: dict[str, Any]) -> Any:
        network = network_selectors.get(context=self.caller, network_id=values["network_id"])
        permissions.check_new_subnet(self.caller, network)
        return subnets.create(context=self.caller, network=network, values=values)


class SubnetItem(_Subnets, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.SubnetUpdate}
    examples = {"PUT": {"subnet": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, subnet_id=item_id)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return subnets.update(subnet=row, values=values)

    def remove(self, row: Any) -> None:
        subnets.delete(subnet=row)
