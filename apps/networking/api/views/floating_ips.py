"""Floating IPs."""

import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.networking.api import filters, permissions
from apps.networking.api.documents import floating_ips as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import floating_ips as serializers
from apps.networking.api.views.base import Collection, Item, Noun, expected_revision
from apps.networking.exceptions import FloatingIpNotFound
from apps.networking.selectors import floating_ips as selectors
from apps.networking.services import floating_ips


class _FloatingIps(Noun):
    noun, plural, collection = "floatingip", "floatingips", "floatingips"
    not_found = FloatingIpNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class FloatingIps(_FloatingIps, Collection):
    """List and create."""

    request_serializers = {"post": serializers.FloatingIpCreate}
    filters = filters.FLOATING_IPS
    listing = LISTING.sorted_by("status", "floating_ip_address", "fixed_ip_address", "floating_network_id", "router_id")
    examples = {"POST": {"floatingip": {"floating_network_id": "<id>", "port_id": "<id>"}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_new_floating_ip(self.caller, values)
        return floating_ips.create(context=self.caller, values=values)


class FloatingIpItem(_FloatingIps, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.FloatingIpUpdate}
    examples = {"PUT": {"floatingip": {"port_id": "<id>"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, floating_ip_id=item_id)

    def constrained(self, request: Request, row: Any) -> AbstractContextManager[None]:
        """The services check the revision: what a floating IP leads to is locked before itself."""
        return nullcontext()

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        revision = expected_revision(self.request)
        return floating_ips.update(context=self.caller, floating_ip=row, values=values, revision=revision)

    def remove(self, row: Any) -> None:
        floating_ips.delete(floating_ip=row, revision=expected_revision(self.request))
