"""Address scopes."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.networking.api import filters, permissions
from apps.networking.api.documents import address_scopes as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import address_scopes as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import AddressScopeNotFound
from apps.networking.selectors import address_scopes as selectors
from apps.networking.services import address_scopes


class _AddressScopes(Noun):
    noun, plural, collection = "address_scope", "address_scopes", "address-scopes"
    not_found = AddressScopeNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class AddressScopes(_AddressScopes, Collection):
    """List and create."""

    request_serializers = {"post": serializers.AddressScopeCreate}
    filters = filters.ADDRESS_SCOPES
    listing = LISTING.sorted_by("ip_version", "shared")
    examples = {"POST": {"address_scope": {"name": "routed", "ip_version": 4}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_new_shared(self.caller, self.noun, values)
        return address_scopes.create(context=self.caller, values=values)


class AddressScopeItem(_AddressScopes, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.AddressScopeUpdate}
    examples = {"PUT": {"address_scope": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, address_scope_id=item_id)

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        permissions.check_shared(self.caller, self.noun, row, values)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return address_scopes.update(context=self.caller, address_scope=row, values=values)

    def remove(self, row: Any) -> None:
        address_scopes.delete(address_scope=row)
