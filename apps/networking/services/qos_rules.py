"""Writing the rules of QoS policies. Callers have checked policy (``api/permissions.py``)."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.common.context import RequestContext
from apps.networking import exceptions, locks, states
from apps.networking.models import QosPolicy, QosRule
from apps.networking.services import qos_policies


def create(*, context: RequestContext, policy: QosPolicy, kind: str, values: dict[str, Any]) -> QosRule:
    """Add a rule to a policy: one of a kind for each direction.

    Raises QosPolicyNotFound (404), QosRulesConflict (409).
    """
    with transaction.atomic():
        _lock(policy)
        _refuse_second(policy, kind, values.get("direction", states.EGRESS))
        rule = QosRule.objects.create(policy=policy, kind=kind, **values)
        _changed(policy)
    return rule


def update(*, context: RequestContext, rule: QosRule, values: dict[str, Any]) -> QosRule:
    """Change a rule. Raises QosRuleNotFound (404), QosRulesConflict (409)."""
    with transaction.atomic():
        _lock(rule.policy)
        _refuse_second(rule.policy, rule.kind, values.get("direction", rule.direction), but=rule)
        if values and not QosRule.objects.filter(id=rule.id).update(**values):
            raise exceptions.QosRuleNotFound(id=rule.id, policy_id=rule.policy_id)
        _changed(rule.policy)
    return QosRule.objects.select_related("policy").get(id=rule.id)


def delete(*, rule: QosRule) -> None:
    """Take a rule away. Raises QosRuleNotFound (404)."""
    with transaction.atomic():
        _lock(rule.policy)
        if not QosRule.objects.filter(id=rule.id).delete()[0]:
            raise exceptions.QosRuleNotFound(id=rule.id, policy_id=rule.policy_id)
        _changed(rule.policy)


def _lock(policy: QosPolicy) -> None:
    if locks.qos_policy(policy.id) is None:
        raise exceptions.QosPolicyNotFound(id=policy.id)


def _refuse_second(policy: QosPolicy, kind: str, direction: str, but: QosRule | None = None) -> None:
    present = QosRule.objects.filter(policy=policy, kind=kind, direction=direction).first()
    if present is not None and (but is None or present.id != but.id):
        raise exceptions.QosRulesConflict(kind_of_rule=kind, id=present.id, policy_id=policy.id)


def _changed(policy: QosPolicy) -> None:
    QosPolicy.objects.filter(id=policy.id).update(revision_number=F("revision_number") + 1, updated_at=timezone.now())
    qos_policies.tell_users(policy_id=policy.id)
