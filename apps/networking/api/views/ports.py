"""Ports."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking.api.documents import ports as documents
from apps.networking.api.serializers import ports as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import PortNotFound
from apps.networking.selectors import filters
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
    sort_keys = frozenset({"network_id", "status", "device_id", "mac_address"})
    examples = {"POST": {"port": {"network_id": "<id>"}}}

    def rows(self, context: RequestContext, params: Mapping[str, list[str]]) -> QuerySet[Any]:
        return filters.on_ports(selectors.visible(context=context), params)

    def make(self, values: dict[str, Any]) -> Any:
        return ports.create(context=self.caller, values=values)


class PortItem(_Ports, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.PortUpdate}
    examples = {"PUT": {"port": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, port_id=item_id)

    def change(self, item_id: uuid.UUID, values: dict[str, Any]) -> Any:
        return ports.update(context=self.caller, port_id=item_id, values=values)

    def remove(self, item_id: uuid.UUID) -> None:
        ports.delete(context=self.caller, port_id=item_id)
