"""Backups of volumes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from apps.common.admin import Operation, Operator, Page, ReadOnlyAdmin, filters, operations, panels, targets
from apps.identity.selectors import names
from apps.volumes import states
from apps.volumes.admin.volumes import DeletedFilter
from apps.volumes.models import Backup, BackupPlan
from apps.volumes.services import backups

targets.add_model("backup", Backup)
targets.add_model("backup_plan", BackupPlan)
LABELS = {
    **dict.fromkeys(states.BACKUP_STATUSES, "info"),
    **dict.fromkeys((states.ERROR, states.ERROR_DELETING), "danger"),
    states.AVAILABLE: "success", states.DELETED: "",
}  # fmt: skip


@admin.register(Backup)
class BackupAdmin(Page):
    list_display = ("name", "shown_status", "size", "is_incremental", "volume_id", "project", "created_at", "id")
    list_filter = ("status", DeletedFilter, filters.text("project_id", "project's id"), filters.text("host"))
    search_fields = ("name", "id", "project_id", "volume_id")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)

    def is_busy(self, row: Backup) -> bool:
        return row.status in (states.CREATING, states.RESTORING, states.DELETING)

    def panels(self, request: HttpRequest, row: Backup) -> list[panels.Panel]:
        facts: list[tuple[str, Any]] = [
            ("status", row.status),
            ("error", row.error),
            ("size of the volume", f"{row.size} GiB"),
            ("in the store", f"{row.stored_bytes >> 20} MiB in {row.objects_count} objects"),
            ("based on", str(row.parent_id or "")),
            ("made by", row.host),
            ("restored to", str(row.restoring_id or "")),
        ]
        return [panels.pairs("Backup", facts), *super().panels(request, row)]

    @display(description="status", ordering="status", label=LABELS)
    def shown_status(self, backup: Backup) -> str:
        return backup.status

    @display(description="incremental", boolean=True)
    def is_incremental(self, backup: Backup) -> bool:
        return backup.parent_id is not None

    @display(description="project", ordering="project_id")
    def project(self, backup: Backup) -> str:
        return str(getattr(backup, "project_name", backup.project_id))


@admin.register(BackupPlan)
class BackupPlanAdmin(ReadOnlyAdmin):
    """Plans are written by their projects; what went wrong is a finding, too."""

    list_display = (
        "name", "volume", "interval_hours", "keep", "full_every", "is_enabled", "next_at", "last_at", "error",
        "project_id",
    )  # fmt: skip
    list_filter = ("is_enabled", filters.text("project_id", "project's id"))
    search_fields = ("name", "id", "project_id", "volume__id", "volume__name")
    list_select_related = ("volume",)


class StatusForm(forms.Form):
    status = forms.ChoiceField(choices=[(status, status) for status in (states.AVAILABLE, states.ERROR)])


def _target(backup: Backup) -> dict[str, Any]:
    return {"project_id": backup.project_id}


def _reset(operator: Operator, backup: Backup, values: dict[str, Any]) -> str:
    backups.reset_status(backup=backup, status=values["status"])
    return f"The backup {operations.name_of(backup)} is {values['status']} now."


def _delete(operator: Operator, backup: Backup, values: dict[str, Any]) -> str:
    backups.delete(context=operator.context, backup=backup, force=True)
    return f"Deleting the backup {operations.name_of(backup)}."


operations.add(
    "volumes.backup",
    Operation(
        name="reset", title="Reset status", icon="restart_alt", tone=operations.AMBER, run=_reset, form=StatusForm,
        rule="volume_extension:backup_admin_actions:reset_status", target=_target,
        offered=lambda backup: backup.deleted_at is None, confirm="Set the status", keep="Keep the status",
        explains="Sets the status and cancels the run that works on the backup. The data stays as it is.",
    ),
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete, typed=True,
        rule="volume_extension:backup_admin_actions:force_delete", target=_target,
        offered=lambda backup: backup.deleted_at is None and backup.status != states.DELETING,
        explains="Deletes the backup, whatever its status. One that incremental backups are based on is refused.",
    ),
)  # fmt: skip
