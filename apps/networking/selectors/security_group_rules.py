"""Reading security group rules."""

import uuid

from django.db.models import Q, QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import SecurityGroupRule
from apps.networking.selectors import sharing


def visible(*, context: RequestContext) -> QuerySet[SecurityGroupRule]:
    """Rules the caller may see: its project's, and those of its groups and of shared ones; all for administrators."""
    rows = SecurityGroupRule.objects.all()
    if context.is_admin:
        return rows
    project_id = context.project_id or "-"
    group = Q(security_group__project_id=project_id) | sharing.shared_with(project_id, prefix="security_group__")
    return rows.filter(Q(project_id=project_id) | group)


def get(*, context: RequestContext, rule_id: uuid.UUID) -> SecurityGroupRule:
    """Return a rule the caller may see. Raises SecurityGroupRuleNotFound (404)."""
    rule = visible(context=context).filter(id=rule_id).first()
    if rule is None:
        raise exceptions.SecurityGroupRuleNotFound(id=rule_id)
    return rule
