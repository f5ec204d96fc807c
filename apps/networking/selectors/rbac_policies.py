"""Reading RBAC policies, and the rows that they are about."""

import uuid
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.networking import exceptions
from apps.networking.models import RbacPolicy


def visible(*, context: RequestContext) -> QuerySet[RbacPolicy]:
    """Policies the caller may see: its project's; all for administrators."""
    rows = RbacPolicy.objects.all()
    return rows if context.is_admin else rows.filter(project_id=context.project_id or "-")


def get(*, context: RequestContext, policy_id: uuid.UUID) -> RbacPolicy:
    """Return a policy the caller may see. Raises RbacPolicyNotFound (404)."""
    row = visible(context=context).filter(id=policy_id).first()
    if row is None:
        raise exceptions.RbacPolicyNotFound(id=policy_id)
    return row


def targets(*, row: Any, action: str) -> set[str]:
    """Return the projects that policies of a row let in, "*" for everybody. 1 query."""
    return set(RbacPolicy.objects.filter(object_id=row.id, action=action).values_list("target_project", flat=True))
