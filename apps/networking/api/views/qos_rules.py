"""Rules of QoS policies: bandwidth limits and DSCP marks, below their policy and by themselves."""

import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common import policy
from apps.networking import states
from apps.networking.api import filters
from apps.networking.api.documents import qos as documents
from apps.networking.api.listing import listing_by
from apps.networking.api.serializers import qos as serializers
from apps.networking.api.views.base import Collection, Item, Noun
from apps.networking.exceptions import QosRuleNotFound
from apps.networking.selectors import qos_policies
from apps.networking.selectors import qos_rules as selectors
from apps.networking.services import qos_rules


class _QosRules(Noun):
    """``kind`` is the type of the rules."""

    kind: ClassVar[str]
    not_found = QosRuleNotFound

    def id_of(self, text: str) -> Any:
        try:
            return super().id_of(text)
        except KeyError:  # the sentence names the policy too
            raise QosRuleNotFound(id=text[:255], policy_id=self.kwargs.get("policy_id", "any")[:255]) from None

    def permit(self, action: str, row: Any = None) -> None:
        rule = f"{action if action in ('update', 'delete') else 'get'}_{self.policy_noun}"
        policy.check(self.caller, rule, {"project_id": row.policy.project_id} if row is not None else None)

    def render(self, row: Any) -> dict[str, Any]:
        return documents.rule(row)


class _Rules(_QosRules, Collection):
    """List and create."""

    filters = filters.QOS_RULES

    def visible(self) -> QuerySet[Any]:
        return selectors.visible(context=self.caller, policy_id=self.id_of(self.kwargs["policy_id"]), kind=self.kind)

    def make(self, values: dict[str, Any]) -> Any:
        owner = qos_policies.get(context=self.caller, policy_id=self.id_of(self.kwargs["policy_id"]))
        policy.check(self.caller, f"create_{self.policy_noun}", {"project_id": owner.project_id})
        return qos_rules.create(context=self.caller, policy=owner, kind=self.kind, values=values)


class _Rule(_QosRules, Item):
    """Show, update, delete."""

    def load(self, policy_id: uuid.UUID, item_id: uuid.UUID) -> Any:
        return selectors.get(context=self.caller, policy_id=policy_id, kind=self.kind, rule_id=item_id)

    def constrained(self, request: Request, row: Any) -> AbstractContextManager[None]:
        """A rule has no revision."""
        return nullcontext()

    def change(self, row: Any, values: dict[str, Any]) -> Any:
        return qos_rules.update(context=self.caller, rule=row, values=values)

    def remove(self, row: Any) -> None:
        qos_rules.delete(rule=row)


class _BandwidthLimits(_QosRules):
    kind = states.BANDWIDTH_LIMIT
    noun, plural, collection = "bandwidth_limit_rule", "bandwidth_limit_rules", "bandwidth_limit_rules"
    policy_noun = "policy_bandwidth_limit_rule"


class BandwidthLimits(_BandwidthLimits, _Rules):
    """List and create."""

    request_serializers = {"post": serializers.BandwidthLimitCreate}
    listing = listing_by("id", "max_kbps", "max_burst_kbps", "direction")
    examples = {"POST": {"bandwidth_limit_rule": {"max_kbps": 10000, "direction": "egress"}}}


class BandwidthLimitItem(_BandwidthLimits, _Rule):
    """Show, update, delete."""

    request_serializers = {"put": serializers.BandwidthLimitUpdate}
    examples = {"PUT": {"bandwidth_limit_rule": {"max_kbps": 20000}}}


class BandwidthLimitAlone(BandwidthLimitItem):
    """The same by the rule's id alone."""

    noun, policy_noun = "alias_bandwidth_limit_rule", "alias_bandwidth_limit_rule"
    request_serializers = {"put": serializers.AloneBandwidthLimitUpdate}
    examples = {"PUT": {"alias_bandwidth_limit_rule": {"max_kbps": 20000}}}

    def load(self, item_id: uuid.UUID) -> Any:  # type: ignore[override]
        return selectors.get_alone(context=self.caller, kind=self.kind, rule_id=item_id)


class _DscpMarks(_QosRules):
    kind = states.DSCP_MARKING
    noun, plural, collection = "dscp_marking_rule", "dscp_marking_rules", "dscp_marking_rules"
    policy_noun = "policy_dscp_marking_rule"


class DscpMarks(_DscpMarks, _Rules):
    """List and create."""

    request_serializers = {"post": serializers.DscpMarkingCreate}
    listing = listing_by("id", "dscp_mark")
    examples = {"POST": {"dscp_marking_rule": {"dscp_mark": 26}}}


class DscpMarkItem(_DscpMarks, _Rule):
    """Show, update, delete."""

    request_serializers = {"put": serializers.DscpMarkingUpdate}
    examples = {"PUT": {"dscp_marking_rule": {"dscp_mark": 46}}}


class DscpMarkAlone(DscpMarkItem):
    """The same by the rule's id alone."""

    noun, policy_noun = "alias_dscp_marking_rule", "alias_dscp_marking_rule"
    request_serializers = {"put": serializers.AloneDscpMarkingUpdate}
    examples = {"PUT": {"alias_dscp_marking_rule": {"dscp_mark": 46}}}

    def load(self, item_id: uuid.UUID) -> Any:  # type: ignore[override]
        return selectors.get_alone(context=self.caller, kind=self.kind, rule_id=item_id)
