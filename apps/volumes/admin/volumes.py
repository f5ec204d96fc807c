"""Volumes: list and search, attachments and snapshots, and what operators may do to them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common import audit
from apps.common.admin import Operation, Operator, Page, ReadOnlyAdmin, filters, operations, panels, targets
from apps.identity.selectors import names
from apps.volumes import states
from apps.volumes.models import Attachment, Export, Pool, Volume
from apps.volumes.selectors import attachments as attachment_selectors
from apps.volumes.selectors import exports as export_selectors
from apps.volumes.selectors import snapshots as snapshot_selectors
from apps.volumes.services import volumes
from apps.workflow.admin import timeline
from apps.workflow.selectors import runs as run_selectors

targets.add_model("volume", Volume)
LABELS = {
    **dict.fromkeys(states.VOLUME_STATUSES, "info"),
    **dict.fromkeys(states.ERRORS, "danger"),
    states.AVAILABLE: "success", states.IN_USE: "success", states.DELETED: "",
}  # fmt: skip
RESETTABLE = (states.AVAILABLE, states.IN_USE, states.ERROR)


class DeletedFilter(admin.SimpleListFilter):
    """Deleted volumes and snapshots keep their rows: they are shown when asked for."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Deleted"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


@admin.register(Volume)
class VolumeAdmin(Page):
    list_display = ("name", "shown_status", "size", "volume_type", "host", "servers", "project", "created_at", "id")
    list_filter = (
        "status", DeletedFilter, filters.text("host"), filters.text("backend"),
        filters.text("project_id", "project's id"),
    )  # fmt: skip
    search_fields = ("name", "id", "project_id", "host")
    list_select_related = ("volume_type",)
    collapsed = True

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        attached = attachment_selectors.of_volumes(volume_ids=[row.id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)
            row.server_count = len(attached.get(row.id, []))

    def is_busy(self, row: Volume) -> bool:
        return row.status in states.BUSY

    def panels(self, request: HttpRequest, row: Volume) -> list[panels.Panel]:
        facts: list[tuple[str, Any]] = [
            ("status", row.status),
            ("error", row.error),
            ("size", f"{row.size} GiB"),
            ("back end", f"{row.backend}, {row.format}"),
            ("host", row.host),
            ("migration", " ".join(filter(None, (row.migration_status, row.target_host, row.target_backend)))),
            ("zone", row.availability_zone),
            ("image", row.image_metadata.get("image_name", "")),
        ]
        attached = [
            [str(item.server_id or ""), item.host, item.status, item.mode, item.device]
            for item in attachment_selectors.of_volume(volume_id=row.id)
        ]
        snapshots = [
            [
                {"text": item.name or str(item.id), "href": reverse("admin:volumes_snapshot_change", args=[item.id])},
                item.status,
                f"{item.size} GiB",
            ]
            for item in snapshot_selectors.of_volume(volume_id=row.id)
        ]
        past = list(run_selectors.of_subject(subject_type=states.SUBJECT, subject_id=row.id)[: timeline.RUNS])
        explanation = timeline.explanation_of(next((run for run in past if run.explanation), None))
        runs = [panel for panel in (timeline.panel_of(past), explanation) if panel is not None]
        return [
            panels.pairs("Volume", facts),
            *runs,
            panels.table("Attachments", ["server", "host", "status", "mode", "device"], attached),
            panels.table("Open for other hosts", ["host", "from", "since", "error"], _exports(row)),
            panels.table("Snapshots", ["snapshot", "status", "size"], snapshots),
            *super().panels(request, row),
        ]

    @display(description="status", ordering="status", label=LABELS)
    def shown_status(self, volume: Volume) -> str:
        return volume.status

    @display(description="attachments")
    def servers(self, volume: Volume) -> int:
        return int(getattr(volume, "server_count", 0))

    @display(description="project", ordering="project_id")
    def project(self, volume: Volume) -> str:
        return str(getattr(volume, "project_name", volume.project_id))


def _exports(volume: Volume) -> list[list[Any]]:
    """Return the rows of a volume's exports for other hosts than its own."""
    rows = export_selectors.of_volume(volume_id=volume.id, storage_host=volume.host)
    return [[row.host, f"{row.address}:{row.port or ''}", row.opened_at or "not open", row.error] for row in rows]


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """The name is for hosts alone."""

    list_display = ("attachment", "host", "storage_host", "address", "port", "opened_at", "error")
    list_filter = (filters.text("host"), filters.text("storage_host"))
    search_fields = ("attachment__volume__id", "host", "storage_host")
    list_select_related = ("attachment",)
    exclude = ("name",)


@admin.register(Pool)
class PoolAdmin(ReadOnlyAdmin):
    """What agents report. A back end on the servers' disk takes its room from the host's inventory instead."""

    list_display = ("backend", "host", "shared", "total_gib", "free_gib", "reserve_gib", "reported_at")
    list_filter = (filters.text("backend"), filters.text("host"), "shared")
    search_fields = ("backend", "host")


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin):
    list_display = ("volume", "server_id", "host", "status", "mode", "device", "attached_at")
    list_filter = ("status", filters.text("host"))
    search_fields = ("volume__id", "volume__name", "server_id", "host")
    list_select_related = ("volume",)


class StatusForm(forms.Form):
    status = forms.ChoiceField(choices=[(status, status) for status in RESETTABLE])


def _target(volume: Volume) -> dict[str, Any]:
    return {"project_id": volume.project_id}


def _reset(operator: Operator, volume: Volume, values: dict[str, Any]) -> str:
    volumes.reset_status(volume=volume, values={"status": values["status"]})
    return f"The volume {operations.name_of(volume)} is {values['status']} now."


def _delete(operator: Operator, volume: Volume, values: dict[str, Any]) -> str:
    with audit.action("volume.force_delete", "volume", volume.id):
        volumes.delete(context=operator.context, volume=volume, cascade=True, force=True)
    return f"Deleting the volume {operations.name_of(volume)} with its snapshots."


operations.add(
    "volumes.volume",
    Operation(
        name="reset", title="Reset status", icon="restart_alt", tone=operations.AMBER, run=_reset, form=StatusForm,
        rule="volume_extension:volume_admin_actions:reset_status", target=_target,
        offered=lambda volume: volume.deleted_at is None, confirm="Set the status", keep="Keep the status",
        explains="Sets the status and cancels the run that works on the volume. The data and the attachments stay as "
        "they are.",
    ),
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete,
        rule="volume_extension:volume_admin_actions:force_delete", target=_target, typed=True,
        offered=lambda volume: volume.deleted_at is None and volume.status != states.DELETING,
        explains="Deletes the volume and its snapshots, whatever their status. A volume that a server has is refused.",
    ),
)  # fmt: skip
