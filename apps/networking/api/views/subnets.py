"""Subnets."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking.api.documents import subnets as documents
from apps.networking.api.serializers import subnets as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import SubnetNotFound
from apps.networking.selectors import filters
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
    sort_keys = frozenset({"network_id", "cidr", "ip_version"})
    examples = {"POST": {"subnet": {"network_id": "<id>", "cidr": "10.0.0.0/24", "ip_version": 4}}}

    def rows(self, context: RequestContext, params: Mapping[str, list[str]]) -> QuerySet[Any]:
        return selectors.visible(context=context)

    def make(self, values: dict[str, Any]) -> Any:
        return subnets.create(context=self.caller, values=values)


class SubnetItem(_Subnets, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.SubnetUpdate}
    examples = {"PUT": {"subnet": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, subnet_id=item_id)

    def change(self, item_id: uuid.UUID, values: dict[str, Any]) -> Any:
        return subnets.update(context=self.caller, subnet_id=item_id, values=values)

    def remove(self, item_id: uuid.UUID) -> None:
        subnets.delete(context=self.caller, subnet_id=item_id)
