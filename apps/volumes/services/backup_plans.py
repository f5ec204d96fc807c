"""Backup plans: written by their projects, carried out by beat as ordinary backups."""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from apps.common import audit
from apps.common.context import RequestContext
from apps.common.exceptions import CloudError
from apps.quotas.selectors import limits
from apps.volumes import exceptions, states
from apps.volumes.models import Backup, BackupPlan, Volume
from apps.volumes.selectors import volumes
from apps.volumes.services import backups

MAX_PLANS = 20  # of a project
GONE = (states.DELETING, states.ERROR_DELETING)


@transaction.atomic
def create(*, context: RequestContext, values: dict[str, Any]) -> BackupPlan:
    """Write a plan. It begins at ``start_at``, or at once.

    Raises VolumeNotFound (404), InvalidInput (400) where the quota has no room for what it keeps, OverLimit (413).
    """
    volume_id = values.get("volume_id")
    volume = volumes.get(context=context, volume_id=volume_id) if volume_id else None
    project_id = volume.project_id if volume is not None else str(context.project_id)
    _check_room(project_id, volume, values["keep"], values.get("full_every") or 1)
    if BackupPlan.objects.filter(project_id=project_id).count() >= MAX_PLANS:
        raise exceptions.OverLimit(name="backup_plans")
    plan = BackupPlan.objects.create(
        project_id=project_id, user_id=context.user_id or "", volume=volume, name=values.get("name") or "",
        interval_hours=values["interval_hours"], keep=values["keep"], full_every=values.get("full_every") or 1,
        is_enabled=values.get("enabled", True), next_at=values.get("start_at") or timezone.now(),
    )  # fmt: skip
    audit.record("backup_plan.create", "backup_plan", plan.id)
    return plan


def update(*, plan: BackupPlan, values: dict[str, Any]) -> BackupPlan:
    """Change a plan. What it has made stays, but for what is more than it keeps. Raises InvalidInput (400)."""
    if {"keep", "full_every"} & set(values):
        keep, full_every = (values.get(name, getattr(plan, name)) for name in ("keep", "full_every"))
        _check_room(plan.project_id, plan.volume, keep, full_every)
    names = {"enabled": "is_enabled", "start_at": "next_at"}
    BackupPlan.objects.filter(id=plan.id).update(**{names.get(key, key): value for key, value in values.items()})
    plan.refresh_from_db()
    return plan


def _check_room(project_id: str, volume: Volume | None, keep: int, full_every: int) -> None:
    """A plan has one backup more than it keeps for a while, and those that its incremental ones are based on."""
    allowed = limits.of(owner_id=project_id, resource="backups")
    number = 1 if volume is not None else max(Volume.objects.filter(project_id=project_id, deleted_at=None).count(), 1)
    needed = (keep + full_every) * number
    if 0 <= allowed < needed:
        raise exceptions.InvalidInput(
            reason=f"the plan would have up to {needed} backups, and the project's quota is {allowed}"
        )


def delete(*, plan: BackupPlan) -> None:
    """Remove a plan. Its backups stay, until someone deletes them."""
    audit.record("backup_plan.delete", "backup_plan", plan.id)
    plan.delete()


def carry_out(*, plan_id: uuid.UUID, now: datetime) -> None:
    """Do a plan's round, if its time has come: back up. What is more than it keeps goes by ``thin_out``.

    The next time is written first: a process that dies here misses a round, and never repeats one at each start.
    """
    plan = BackupPlan.objects.filter(id=plan_id, is_enabled=True, next_at__lte=now).first()
    if plan is None:
        return
    step, due = timedelta(hours=plan.interval_hours), plan.next_at
    missed = int((now - due) / step)
    plan.next_at, plan.last_at = due + step * (missed + 1), now
    plan.error = f"{missed} rounds were missed." if missed else ""
    values = {"next_at": plan.next_at, "last_at": now, "error": plan.error}
    if not BackupPlan.objects.filter(id=plan_id, next_at=due).update(**values):
        return
    context = RequestContext(user_id=plan.user_id, project_id=plan.project_id)
    problems = [plan.error] if plan.error else []
    for volume in _volumes(plan):
        try:
            _back_up(context, plan, volume)
        except CloudError as error:
            problems.append(f"Volume {volume.id}: {error.message}{_way_out(error)}")
    BackupPlan.objects.filter(id=plan.id).update(error=" ".join(problems)[:2000])


def _way_out(error: CloudError) -> str:
    """Nothing may be too much although the quota is used up: incremental backups keep those before them."""
    is_quota = isinstance(error, exceptions.OverLimit)
    return " Lower the plan's keep and full_every together, or delete its oldest backups." if is_quota else ""


def _volumes(plan: BackupPlan) -> list[Volume]:
    rows = Volume.objects.filter(project_id=plan.project_id, deleted_at=None).exclude(status__in=GONE)
    return list((rows.filter(id=plan.volume_id) if plan.volume_id else rows).order_by("id"))


def _back_up(context: RequestContext, plan: BackupPlan, volume: Volume) -> None:
    """Make the next backup: a full one where the row of incremental ones is long enough, or has no beginning."""
    mine = Backup.objects.filter(plan=plan, volume_id=volume.id, deleted_at=None)
    since_full = 0
    for row in mine.order_by("-created_at", "-id"):
        since_full += 1
        if row.parent_id is None:
            break
    usable = mine.filter(status=states.AVAILABLE).exists()
    values = {"name": f"{plan.name or 'plan'} {plan.last_at:%Y-%m-%d %H:%M}", "plan": plan}
    backups.create(
        context=context, volume=volume, values=values, force=True,
        incremental=usable and 0 < since_full < plan.full_every,
    )  # fmt: skip


def thin_out() -> None:
    """Begin to delete what enabled plans have more than they keep, the oldest first; also where the quota stops others.

    Backups that others are based on stay until those are gone; failed ones count for nothing. 1 query if all is well.
    """
    made = Backup.objects.filter(plan__is_enabled=True, deleted_at=None, status=states.AVAILABLE)
    counted = made.order_by().values("plan_id", "volume_id", "plan__keep").annotate(number=Count("id"))
    for group in counted.filter(number__gt=F("plan__keep")):
        rows = made.filter(plan_id=group["plan_id"], volume_id=group["volume_id"]).select_related("plan")
        for row in list(rows.order_by("-created_at", "-id"))[group["plan__keep"] :][::-1]:
            _remove(row)


def _remove(row: Backup) -> None:
    assert row.plan is not None
    context = RequestContext(user_id=row.plan.user_id, project_id=row.plan.project_id)
    if not row.children.filter(deleted_at=None).exists():
        with suppress(CloudError):  # somebody works with it: the next look tries again
            backups.delete(context=context, backup=row)
