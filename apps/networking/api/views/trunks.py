"""Trunks and their subports."""

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.common.api.views import Response
from apps.networking.api import filters, permissions
from apps.networking.api.documents import trunks as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import trunks as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import TrunkNotFound
from apps.networking.selectors import trunks as selectors
from apps.networking.services import trunks


class _Trunks(Noun):
    noun, plural, collection = "trunk", "trunks", "trunks"
    not_found = TrunkNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class Trunks(_Trunks, Collection):
    """List and create."""

    request_serializers = {"post": serializers.TrunkCreate}
    filters = filters.TRUNKS
    listing = LISTING.sorted_by("admin_state_up", "port_id", status="port__status")
    examples = {"POST": {"trunk": {"port_id": "<id>", "name": "trunk"}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_create(self.caller, self.noun, values)
        return trunks.create(context=self.caller, values=values)


class TrunkItem(_Trunks, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.TrunkUpdate}
    examples = {"PUT": {"trunk": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, trunk_id=item_id)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return trunks.update(context=self.caller, trunk=row, values=values)

    def remove(self, row: Any) -> None:
        trunks.delete(trunk=row)


class _Action(_Trunks):
    """``rule`` is the policy rule, which has the name of the action."""

    rule: ClassVar[str]

    def loaded(self, item_id: str) -> Any:
        """Return the trunk, if the caller may act on it. Raises TrunkNotFound (404), PolicyForbidden (403)."""
        row = selectors.get(context=self.caller, trunk_id=self.id_of(item_id))
        policy.check(self.caller, self.rule, {"project_id": row.project_id})
        return row


class AddSubPorts(_Action):
    """Put ports on a trunk."""

    rule = "add_subports"
    request_serializers = {"put": serializers.AddSubPorts}
    examples = {"PUT": {"sub_ports": [{"port_id": "<id>", "segmentation_type": "vlan", "segmentation_id": 100}]}}

    def put(self, request: Request, item_id: str) -> Response:
        wanted = [dict(item) for item in self.parse(request)["sub_ports"]]
        trunk = trunks.add_sub_ports(context=self.caller, trunk=self.loaded(item_id), wanted=wanted)
        return Response(self.render(trunk))


class RemoveSubPorts(_Action):
    """Take ports off a trunk."""

    rule = "remove_subports"
    request_serializers = {"put": serializers.RemoveSubPorts}
    examples = {"PUT": {"sub_ports": [{"port_id": "<id>"}]}}

    def put(self, request: Request, item_id: str) -> Response:
        port_ids = [item["port_id"] for item in self.parse(request)["sub_ports"]]
        trunk = trunks.remove_sub_ports(context=self.caller, trunk=self.loaded(item_id), port_ids=port_ids)
        return Response(self.render(trunk))


class SubPorts(_Action):
    """The subports of a trunk."""

    rule = "get_subports"

    def get(self, request: Request, item_id: str) -> Response:
        return Response({"sub_ports": documents.sub_ports(self.loaded(item_id))})
