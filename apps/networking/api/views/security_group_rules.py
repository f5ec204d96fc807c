"""Security group rules."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking.api.documents import security_group_rules as documents
from apps.networking.api.serializers import security_group_rules as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import SecurityGroupRuleNotFound
from apps.networking.selectors import filters
from apps.networking.selectors import security_group_rules as selectors
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
    sort_keys = frozenset({"direction", "protocol"})
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

    def rows(self, context: RequestContext, params: Mapping[str, list[str]]) -> QuerySet[Any]:
        return selectors.visible(context=context)

    def make(self, values: dict[str, Any]) -> Any:
        return security_group_rules.create(context=self.caller, values=values)


class SecurityGroupRuleItem(_SecurityGroupRules, Item):
    """Show and delete: a rule never changes."""

    http_method_names = ["get", "delete", "head", "options"]

    def load(self, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, rule_id=item_id)

    def remove(self, item_id: uuid.UUID) -> None:
        security_group_rules.delete(context=self.caller, rule_id=item_id)
