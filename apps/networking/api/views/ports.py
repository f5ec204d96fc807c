"""Ports."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.common.api import queries
from apps.networking.api import filters, permissions
from apps.networking.api.documents import ports as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import ports as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import PortNotFound
from apps.networking.selectors import networks as network_selectors
from apps.networking.selectors import ports as selectors
from apps.networking.services import ports


class _Ports(Noun):
    noun, plural, collection = "port", "ports", "ports"
    not_found = PortNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class Ports(_Ports, Collection):
    """List and create."""

    request_serializers = {"post": serializers.PortCreate}
    filters = filters.PORTS
    listing = LISTING.sorted_by("network_id", "status", "device_id", "mac_address")
    examples = {"POST": {"port": {"network_id": "<id>"}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def rows(self) -> QuerySet[Any]:
        return filters.on_ports(super().rows(), queries.plain(self.request.query_params))

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_create(self.caller, "port", values)
        network = network_selectors.get(context=self.caller, network_id=values["network_id"])
        permissions.check_new_port(self.caller, network, values)
        return ports.create(context=self.caller, network=network, values=values)


class PortItem(_Ports, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.PortUpdate}
    examples = {"PUT": {"port": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, port_id=item_id)

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        permissions.check_port(self.caller, row, values)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return ports.update(context=self.caller, port=row, values=values)

    def remove(self, row: Any) -> None:
        ports.delete(port=row)
