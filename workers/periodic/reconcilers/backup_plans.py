"""Backup plans: their times, and their backups.

Rules:
  a plan whose time has come               -> carried out: ordinary backups begin
  more backups than a plan keeps           -> the oldest are deleted, but for those that others are based on
  a plan that missed rounds, or whose last
  round or newest backup failed            -> reported until a round goes well
"""

from django.utils import timezone

from apps.volumes.selectors import backup_plans as selectors
from apps.volumes.services import backup_plans
from apps.workflow.services.findings import FindingReport

KIND = "backup_plan"
KINDS = (KIND,)


def reconcile(report: FindingReport) -> None:
    now = timezone.now()
    backup_plans.thin_out()
    for plan_id in selectors.due(now=now):
        backup_plans.carry_out(plan_id=plan_id, now=now)
    for plan in selectors.failing():
        report.remains(KIND, plan.id, found=f"the backup plan {plan.name or plan.id}: {plan.error}")
