"""Networks."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking.api.documents import networks as documents
from apps.networking.api.serializers import networks as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import NetworkNotFound
from apps.networking.selectors import filters
from apps.networking.selectors import networks as selectors
from apps.networking.services import networks


class _Networks(Noun):
    noun, plural, collection = "network", "networks", "networks"
    not_found = NetworkNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class Networks(_Networks, Collection):
    """List and create."""

    request_serializers = {"post": serializers.NetworkCreate}
    filters = filters.NETWORKS
    sort_keys = frozenset({"status", "admin_state_up", "mtu"})
    examples = {"POST": {"network": {"name": "private"}}}

    def rows(self, context: RequestContext, params: Mapping[str, list[str]]) -> QuerySet[Any]:
        return selectors.visible(context=context)

    def make(self, values: dict[str, Any]) -> Any:
        return networks.create(context=self.caller, values=values)


class NetworkItem(_Networks, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.NetworkUpdate}
    examples = {"PUT": {"network": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, network_id=item_id)

    def change(self, item_id: uuid.UUID, values: dict[str, Any]) -> Any:
        return networks.update(context=self.caller, network_id=item_id, values=values)

    def remove(self, item_id: uuid.UUID) -> None:
        networks.delete(context=self.caller, network_id=item_id)
