"""Reading the rules of QoS policies."""

import uuid

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import QosRule
from apps.networking.selectors import qos_policies


def visible(*, context: RequestContext, policy_id: uuid.UUID, kind: str) -> QuerySet[QosRule]:
    """Rules of a kind of a policy that the caller may see. Raises QosPolicyNotFound (404)."""
    qos_policies.get(context=context, policy_id=policy_id)
    return QosRule.objects.select_related("policy").filter(policy_id=policy_id, kind=kind)


def get(*, context: RequestContext, policy_id: uuid.UUID, kind: str, rule_id: uuid.UUID) -> QosRule:
    """Return a rule. Raises QosPolicyNotFound and QosRuleNotFound (404)."""
    rule = visible(context=context, policy_id=policy_id, kind=kind).filter(id=rule_id).first()
    if rule is None:
        raise exceptions.QosRuleNotFound(id=rule_id, policy_id=policy_id)
    return rule


def get_alone(*, context: RequestContext, kind: str, rule_id: uuid.UUID) -> QosRule:
    """Return a rule of any policy that the caller may see. Raises QosRuleNotFound (404)."""
    policies = qos_policies.visible(context=context)
    rows = QosRule.objects.select_related("policy").filter(id=rule_id, kind=kind, policy__in=policies)
    rule = rows.first()
    if rule is None:
        raise exceptions.QosRuleNotFound(id=rule_id, policy_id="any")
    return rule
