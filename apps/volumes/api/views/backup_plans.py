"""Backup plans (an extension of this cloud): create, list, show, update, delete."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from apps.common.api.views import Response
from apps.volumes.api.documents import backup_plans as documents
from apps.volumes.api.listing import BACKUP_PLANS
from apps.volumes.api.serializers import backup_plans as serializers
from apps.volumes.api.views.base import Collection, Item
from apps.volumes.models import BackupPlan
from apps.volumes.selectors import backup_plans as selectors
from apps.volumes.services import backup_plans

RULE = "backup_plan:{}"
EXAMPLE = {"name": "daily", "volume_id": "<a volume's id>", "interval_hours": 24, "keep": 5, "full_every": 5}


class BackupPlansView(Collection):
    """The project's backup plans."""

    plural, listing, rule = "backup_plans", BACKUP_PLANS, RULE.format("get_all")
    request_serializers = {"post": serializers.BackupPlanCreate}
    examples = {"POST": {"backup_plan": EXAMPLE}}

    def rows(self) -> QuerySet[BackupPlan]:
        return selectors.visible(context=self.caller, all_projects=self.asks_all_projects())

    def render(self, row: BackupPlan) -> dict[str, Any]:
        return documents.render(row)

    def post(self, request: Request, **ids: str) -> Response:
        """Have a volume, or all of the project, backed up by the clock."""
        self.check(RULE.format("create"))
        assert self.project_id
        values = self.parse(request, "backup_plan")
        if values.get("volume_id"):
            self.volume(str(values["volume_id"]), "backup:create")
        return Response({"backup_plan": documents.render(backup_plans.create(context=self.caller, values=values))})


class BackupPlanView(Item):
    """One backup plan."""

    noun = "backup_plan"
    rules = {"show": RULE.format("get"), "update": RULE.format("update"), "delete": RULE.format("delete")}
    request_serializers = {"put": serializers.BackupPlanUpdate}
    examples = {"PUT": {"backup_plan": {"keep": 4, "enabled": True}}}

    def load(self, plan_id: str) -> BackupPlan:
        return selectors.get(context=self.caller, plan_id=plan_id)

    def render(self, row: BackupPlan) -> dict[str, Any]:
        return documents.render(row)

    def put(self, request: Request, plan_id: str) -> Response:
        plan = self.permitted("update")
        updated = backup_plans.update(plan=plan, values=self.parse(request, "backup_plan"))
        return Response({"backup_plan": documents.render(updated)})

    def remove(self, row: BackupPlan) -> None:
        """Its backups stay."""
        backup_plans.delete(plan=row)
