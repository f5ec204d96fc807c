"""Networks."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.common import policy
from apps.common.api import queries
from apps.networking.api import filters, permissions
from apps.networking.api.documents import networks as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import networks as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import NetworkNotFound
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
    listing = LISTING.sorted_by("status", "admin_state_up", "mtu")
    examples = {"POST": {"network": {"name": "private"}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def rows(self) -> QuerySet[Any]:
        is_operator = policy.allowed(self.caller, "get_network:provider", {"project_id": self.caller.project_id})
        params = queries.plain(self.request.query_params)
        return filters.on_networks(super().rows(), params, is_operator=is_operator)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_new_network(self.caller, values)
        return networks.create(context=self.caller, values=values)


class NetworkItem(_Networks, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.NetworkUpdate}
    examples = {"PUT": {"network": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, network_id=item_id)

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        permissions.check_network(self.caller, row, values)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return networks.update(context=self.caller, network=row, values=values)

    def remove(self, row: Any) -> None:
        networks.delete(network=row)
