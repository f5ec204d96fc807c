"""Reading backup plans."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.volumes.exceptions import BackupPlanNotFound
from apps.volumes.models import Backup, BackupPlan


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[BackupPlan]:
    """Return the plans of the caller's project, or of all."""
    rows = BackupPlan.objects.all()
    return rows if all_projects else rows.filter(project_id=context.project_id)


def get(*, context: RequestContext, plan_id: Any) -> BackupPlan:
    """Return a plan of the caller's project (of any, for administrators). Raises BackupPlanNotFound (404). 1 query."""
    key = parse_uuid(plan_id)
    plan = visible(context=context, all_projects=context.is_admin).filter(id=key).first() if key else None
    if plan is None:
        raise BackupPlanNotFound(plan=str(plan_id)[:64])
    return plan


def due(*, now: datetime) -> list[uuid.UUID]:
    """Return the plans whose time has come, the oldest first. 1 query."""
    rows = BackupPlan.objects.filter(is_enabled=True, next_at__lte=now).order_by("next_at")
    return list(rows.values_list("id", flat=True))


def failing() -> list[BackupPlan]:
    """Return the plans whose last round went wrong, or whose newest backup did. 2 queries."""
    plans = {plan.id: plan for plan in BackupPlan.objects.filter(is_enabled=True)}
    newest: dict[tuple[uuid.UUID, uuid.UUID], Backup] = {}
    for row in Backup.objects.filter(plan_id__in=list(plans), deleted_at=None).order_by("created_at"):
        assert row.plan_id is not None
        newest[row.plan_id, row.volume_id] = row
    for (plan_id, volume_id), row in newest.items():
        if row.status == "error" and not plans[plan_id].error:
            plans[plan_id].error = f"Volume {volume_id}: {row.error or 'its backup failed'}"
    return [plan for plan in plans.values() if plan.error]
