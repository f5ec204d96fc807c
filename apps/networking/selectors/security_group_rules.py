"""Reading security group rules."""

import uuid

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import SecurityGroupRule


def visible(*, context: RequestContext) -> QuerySet[SecurityGroupRule]:
    """Rules the caller may see: those of its project's groups; all for administrators."""
    rows = SecurityGroupRule.objects.all()
    return rows if context.is_admin else rows.filter(project_id=context.project_id or "-")


def get(*, context: RequestContext, rule_id: uuid.UUID) -> SecurityGroupRule:
    """Return a rule the caller may see. Raises SecurityGroupRuleNotFound (404)."""
    rule = visible(context=context).filter(id=rule_id).first()
    if rule is None:
        raise exceptions.SecurityGroupRuleNotFound(id=rule_id)
    return rule
