"""Port forwardings of a floating IP."""

import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.networking.api import filters, permissions
from apps.networking.api.documents import port_forwardings as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import port_forwardings as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import PortForwardingNotFound
from apps.networking.selectors import floating_ips
from apps.networking.selectors import port_forwardings as selectors
from apps.networking.services import port_forwardings


class _PortForwardings(Noun):
    noun, plural, collection = "port_forwarding", "port_forwardings", "port_forwardings"
    policy_noun = "floatingip_port_forwarding"
    not_found = PortForwardingNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class PortForwardings(_PortForwardings, Collection):
    """List and create."""

    request_serializers = {"post": serializers.PortForwardingCreate}
    filters = filters.PORT_FORWARDINGS
    listing = LISTING.sorted_by(
        "protocol",
        external_port="external_start",
        external_port_range="external_start",
        internal_port_id="port_id",
    )
    examples = {
        "POST": {
            "port_forwarding": {
                "protocol": "tcp",
                "external_port": 2222,
                "internal_port": 22,
                "internal_port_id": "<id>",
            }
        }
    }

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller, floating_ip_id=self.id_of(self.kwargs["floatingip_id"]))

    def make(self, values: dict[str, Any]) -> Any:
        key = self.id_of(self.kwargs["floatingip_id"])
        floating_ip = floating_ips.get(context=self.caller, floating_ip_id=key)
        permissions.check(self.caller, "create_floatingip_port_forwarding", floating_ip)
        return port_forwardings.create(context=self.caller, floating_ip=floating_ip, values=values)


class PortForwardingItem(_PortForwardings, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.PortForwardingUpdate}
    examples = {"PUT": {"port_forwarding": {"external_port": 2223}}}

    def load(self, floatingip_id: uuid.UUID, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, floating_ip_id=floatingip_id, forwarding_id=item_id)

    def constrained(self, request: Request, row: Any) -> AbstractContextManager[None]:
        """A forwarding shows no revision that a request could name."""
        return nullcontext()

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return port_forwardings.update(context=self.caller, forwarding=row, values=values)

    def remove(self, row: Any) -> None:
        port_forwardings.delete(forwarding=row)
