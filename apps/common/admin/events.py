"""The audit trail."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import filters, shown
from apps.common.admin.pages import ReadOnlyAdmin
from apps.common.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """What was done in the cloud, newest first."""

    list_display = ("at", "action", "target_type", "target_id", "outcome", "user_name", "address", "project")
    list_filter = (
        "outcome", filters.text("target_type", "kind"), filters.text("target_id", "target's id"),
        filters.text("action"), filters.text("credential", "credential's id", "details__credential__id"), "at",
    )  # fmt: skip
    search_help_text = "Ids of a target, user, project or request, a user's name, or an address: the whole or a part"
    search_fields = ("target_id", "user_id", "user_name", "project_id", "address", "request_id")

    @display(description="project", ordering="project_id")
    def project(self, event: AuditEvent) -> SafeString:
        return shown.short(event.project_id)


def of_target(kind: str, target_id: object, *, limit: int = 10) -> list[AuditEvent]:
    """Return the newest events about one object. 1 query."""
    return list(AuditEvent.objects.filter(target_type=kind, target_id=str(target_id))[:limit])
