"""RBAC policies: which other projects may use a network, a security group, a subnet pool or an address scope."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.networking.api import filters, permissions
from apps.networking.api.documents import rbac_policies as documents
from apps.networking.api.listing import RBAC_LISTING
from apps.networking.api.serializers import rbac_policies as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import RbacPolicyNotFound
from apps.networking.selectors import rbac_policies as selectors
from apps.networking.services import rbac_policies


class _RbacPolicies(Noun):
    noun, plural, collection = "rbac_policy", "rbac_policies", "rbac-policies"
    not_found = RbacPolicyNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class RbacPolicies(_RbacPolicies, Collection):
    """List and create."""

    request_serializers = {"post": serializers.RbacPolicyCreate}
    filters = filters.RBAC_POLICIES
    listing = RBAC_LISTING
    examples = {
        "POST": {
            "rbac_policy": {
                "object_type": "network",
                "object_id": "<id>",
                "action": "access_as_shared",
                "target_tenant": "<project id>",
            }
        }
    }

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        row = permissions.check_new_rbac_policy(self.caller, values)
        return rbac_policies.create(context=self.caller, row=row, values=values)


class RbacPolicyItem(_RbacPolicies, Item):
    """Show, update, delete. A policy has no revisions."""

    request_serializers = {"put": serializers.RbacPolicyUpdate}
    examples = {"PUT": {"rbac_policy": {"target_tenant": "<project id>"}}}
    revised = False

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, policy_id=item_id)

    def permit_change(self, row: Any, values: dict[str, Any]) -> None:
        permissions.check_rbac_target(self.caller, "update", row.project_id, values)

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return rbac_policies.update(policy=row, target_project=values["target_project"])

    def remove(self, row: Any) -> None:
        rbac_policies.delete(policy=row)
