"""Snapshots of volumes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from apps.common.admin import Operation, Operator, Page, filters, operations, targets
from apps.identity.selectors import names
from apps.volumes import states
from apps.volumes.admin.volumes import DeletedFilter
from apps.volumes.models import Snapshot
from apps.volumes.services import snapshots

targets.add_model("snapshot", Snapshot)
LABELS = {
    **dict.fromkeys(states.SNAPSHOT_STATUSES, "info"),
    **dict.fromkeys((states.ERROR, states.ERROR_DELETING), "danger"),
    states.AVAILABLE: "success", states.DELETED: "",
}  # fmt: skip


@admin.register(Snapshot)
class SnapshotAdmin(Page):
    list_display = ("name", "shown_status", "size", "volume", "project", "created_at", "id")
    list_filter = ("status", DeletedFilter, filters.text("project_id", "project's id"))
    search_fields = ("name", "id", "project_id", "volume__name", "volume__id")
    list_select_related = ("volume",)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)

    def is_busy(self, row: Snapshot) -> bool:
        return row.status in states.BUSY

    @display(description="status", ordering="status", label=LABELS)
    def shown_status(self, snapshot: Snapshot) -> str:
        return snapshot.status

    @display(description="project", ordering="project_id")
    def project(self, snapshot: Snapshot) -> str:
        return str(getattr(snapshot, "project_name", snapshot.project_id))


class StatusForm(forms.Form):
    status = forms.ChoiceField(choices=[(status, status) for status in (states.AVAILABLE, states.ERROR)])


def _target(snapshot: Snapshot) -> dict[str, Any]:
    return {"project_id": snapshot.project_id}


def _reset(operator: Operator, snapshot: Snapshot, values: dict[str, Any]) -> str:
    snapshots.reset_status(snapshot=snapshot, status=values["status"])
    return f"The snapshot {operations.name_of(snapshot)} is {values['status']} now."


def _delete(operator: Operator, snapshot: Snapshot, values: dict[str, Any]) -> str:
    snapshots.delete(context=operator.context, snapshot=snapshot, force=True)
    return f"Deleting the snapshot {operations.name_of(snapshot)}."


operations.add(
    "volumes.snapshot",
    Operation(
        name="reset", title="Reset status", icon="restart_alt", tone=operations.AMBER, run=_reset, form=StatusForm,
        rule="volume_extension:snapshot_admin_actions:reset_status", target=_target,
        offered=lambda snapshot: snapshot.deleted_at is None, confirm="Set the status", keep="Keep the status",
        explains="Sets the status and cancels the run that works on the snapshot. The data stays as it is.",
    ),
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete,
        rule="volume_extension:snapshot_admin_actions:force_delete", target=_target,
        offered=lambda snapshot: snapshot.deleted_at is None and snapshot.status != states.DELETING,
        explains="Deletes the snapshot, whatever its status. The volume stays as it is.",
    ),
)  # fmt: skip
