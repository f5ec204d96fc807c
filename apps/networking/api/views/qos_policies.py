"""QoS policies."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.networking.api import filters, permissions
from apps.networking.api.documents import qos as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import qos as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import QosPolicyNotFound
from apps.networking.selectors import qos_policies as selectors
from apps.networking.services import qos_policies


class _QosPolicies(Noun):
    noun, plural, collection = "policy", "policies", "qos/policies"
    not_found = QosPolicyNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.policy(row, self.caller)


class QosPolicies(_QosPolicies, Collection):
    """List and create."""

    request_serializers = {"post": serializers.QosPolicyCreate}
    filters = filters.QOS_POLICIES
    listing = LISTING.sorted_by("shared", "is_default")
    examples = {"POST": {"policy": {"name": "slow"}}}

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        permissions.check_new_qos_policy(self.caller, values)
        return qos_policies.create(context=self.caller, values=values)


class QosPolicyItem(_QosPolicies, Item):
    """Show, update, delete."""

    request_serializers = {"put": serializers.QosPolicyUpdate}
    examples = {"PUT": {"policy": {"name": "new-name"}}}

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, policy_id=item_id)

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        permissions.check_qos_policy(self.caller, row, values)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return qos_policies.update(context=self.caller, policy=row, values=values)

    def remove(self, row: Any) -> None:
        qos_policies.delete(policy=row)
