"""Volume types and who may use them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.common.admin import Operation, Operator, Page, ReadOnlyAdmin, operations, panels, targets
from apps.identity.selectors import names
from apps.volumes.models import DefaultType, EncryptionType, Message, QosSpec, VolumeKey, VolumeType, VolumeTypeAccess
from apps.volumes.selectors import volume_types as selectors
from apps.volumes.services import volume_types

targets.add_model("volume_type", VolumeType)


@admin.register(VolumeType)
class VolumeTypeAdmin(Page):
    list_display = ("name", "is_public", "description", "created_at", "id")
    list_filter = ("is_public",)
    search_fields = ("name", "id", "description")

    def panels(self, request: HttpRequest, row: VolumeType) -> list[panels.Panel]:
        specs = [[key, value] for key, value in sorted(row.extra_specs.items())]
        ids = selectors.projects_of(volume_type=row)
        projects = names.of_projects(project_ids=ids)
        access = [[projects.get(key, key)] for key in ids]
        boxes = [panels.table("Extra specs", ["key", "value"], specs)]
        if not row.is_public:
            boxes.append(panels.table("Projects that may use it", ["project"], access))
        return [*boxes, *super().panels(request, row)]


@admin.register(VolumeTypeAccess)
class VolumeTypeAccessAdmin(ReadOnlyAdmin):
    list_display = ("volume_type", "project_id")
    search_fields = ("volume_type__name", "project_id")
    list_select_related = ("volume_type",)


def _delete(operator: Operator, row: VolumeType, values: dict[str, Any]) -> str:
    volume_types.delete(volume_type=row)
    return f"Deleted the volume type {row.name}."


operations.add(
    "volumes.volumetype",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete,
        rule="volume_extension:type_delete",
        explains="Deletes the type. It is refused while volumes have it, and for the default type.",
    ),
)  # fmt: skip


class _SpecAdmin(ReadOnlyAdmin):
    search_fields = ("volume_type__name",)
    list_select_related = ("volume_type",)


@admin.register(EncryptionType)
class EncryptionTypeAdmin(_SpecAdmin):
    list_display = ("volume_type", "provider", "cipher", "key_size", "control_location")


@admin.register(VolumeKey)
class VolumeKeyAdmin(ReadOnlyAdmin):
    list_display = ("volume", "backup", "image_id", "cipher", "key_size", "is_next", "created_at", "id")
    search_fields = ("id", "volume__id", "volume__name", "backup__id", "image_id")
    list_select_related = ("volume", "backup")
    exclude = ("sealed",)


@admin.register(DefaultType)
class DefaultTypeAdmin(_SpecAdmin):
    list_display = ("project_id", "volume_type")


@admin.register(QosSpec)
class QosSpecAdmin(ReadOnlyAdmin):
    list_display = ("name", "consumer", "specs", "created_at", "id")
    search_fields = ("name", "id")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("event", "text", "resource_type", "resource_id", "project_id", "created_at")
    search_fields = ("resource_id", "project_id", "text")
