"""Address groups."""

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.networking.api import filters, permissions
from apps.networking.api.documents import address_groups as documents
from apps.networking.api.serializers import address_groups as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import AddressGroupNotFound
from apps.networking.selectors import address_groups as selectors
from apps.networking.services import address_groups


class _AddressGroups(Noun):
    noun, plural, collection = "address_group", "address_groups", "address-groups"
    not_found = AddressGroupNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class AddressGroups(_AddressGroups, Collection):
    """List and create."""

    request_serializers = {"post": serializers.AddressGroupCreate}
    filters = filters.ADDRESS_GROUPS
    examples = {"POST": {"address_group": {"name": "offices", "addresses": ["192.0.2.0/24", "198.51.100.7"]}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_create(self.caller, self.noun, values)
        return address_groups.create(context=self.caller, values=values)


class AddressGroupItem(_AddressGroups, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.AddressGroupUpdate}
    examples = {"PUT": {"address_group": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, address_group_id=item_id)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return address_groups.update(context=self.caller, address_group=row, values=values)

    def remove(self, row: Any) -> None:
        address_groups.delete(address_group=row)


class _Action(_AddressGroups):
    """``rule`` is the policy rule, which has the name of the action."""

    rule: ClassVar[str]
    request_serializers = {"put": serializers.Addresses}
    examples = {"PUT": {"addresses": ["192.0.2.0/24"]}}

    def change(self, row: Any, addresses: list[str]) -> Any:
        """Change the addresses of a group and return it."""
        raise NotImplementedError

    def put(self, request: Request, item_id: str) -> Response:
        addresses = self.parse(request)["addresses"]
        row = selectors.get(context=self.caller, address_group_id=self.id_of(item_id))
        policy.check(self.caller, self.rule, {"project_id": row.project_id})
        return Response({self.noun: self.render(self.change(row, addresses))})


class AddAddresses(_Action):
    """Add addresses to those of a group."""

    rule = "add_addresses"

    def change(self, row: Any, addresses: list[str]) -> Any:
        return address_groups.add_addresses(context=self.caller, address_group=row, addresses=addresses)


class RemoveAddresses(_Action):
    """Take addresses of a group away."""

    rule = "remove_addresses"

    def change(self, row: Any, addresses: list[str]) -> Any:
        return address_groups.remove_addresses(context=self.caller, address_group=row, addresses=addresses)
