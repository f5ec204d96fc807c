"""Backup plans as documents: an extension of this cloud."""

from typing import Any

from apps.common.api.documents import microseconds
from apps.volumes.models import BackupPlan


def render(plan: BackupPlan) -> dict[str, Any]:
    return {
        "id": str(plan.id),
        "name": plan.name,
        "project_id": plan.project_id,
        "volume_id": str(plan.volume_id) if plan.volume_id is not None else None,
        "interval_hours": plan.interval_hours,
        "keep": plan.keep,
        "full_every": plan.full_every,
        "enabled": plan.is_enabled,
        "next_at": microseconds(plan.next_at),
        "last_at": microseconds(plan.last_at),
        "error": plan.error or None,
        "created_at": microseconds(plan.created_at),
    }
