"""Security group rules."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.common import policy
from apps.networking.api import filters
from apps.networking.api.documents import security_group_rules as documents
from apps.networking.api.listing import LISTING
from apps.networking.api.serializers import security_group_rules as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import SecurityGroupRuleNotFound
from apps.networking.selectors import security_group_rules as selectors
from apps.networking.selectors import security_groups as group_selectors
from apps.networking.services import security_group_rules


class _SecurityGroupRules(Noun):
    noun, plural, collection = "security_group_rule", "security_group_rules", "security-group-rules"
    not_found = SecurityGroupRuleNotFound

    def render(self, row: Any) -> dict[str, Any]:
        return documents.render(row, self.caller)


class SecurityGroupRules(_SecurityGroupRules, Collection):
    """List and create."""

    request_serializers = {"post": serializers.SecurityGroupRuleCreate}
    filters = filters.SECURITY_GROUP_RULES
    listing = LISTING.sorted_by("direction", "protocol")
    examples = {
        "POST": {
            "security_group_rule": {
                "security_group_id": "<id>",
                "direction": "ingress",
                "protocol": "tcp",
                "port_range_min": 22,
                "port_range_max": 22,
            }
        }
    }

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller)

    def make(self, values: dict[str, Any]) -> Any:
        group = group_selectors.get(context=self.caller, group_id=values["security_group_id"])
        policy.check(self.caller, "create_security_group_rule", {"project_id": group.project_id})
        return security_group_rules.create(context=self.caller, group=group, values=values)


class SecurityGroupRuleItem(_SecurityGroupRules, Item):
    """Show and delete: a rule never changes."""

    http_method_names = ["get", "delete", "head", "options"]

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, rule_id=item_id)

    def remove(self, row: Any) -> None:
        security_group_rules.delete(rule=row)
