"""Images for operators: attributes are changed by the API's patches; data is uploaded once and never changed."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import (
    Operation,
    Operator,
    Page,
    ReadOnlyAdmin,
    ServiceForm,
    cells,
    filters,
    operations,
    panels,
    targets,
)
from apps.common.admin.forms import Lines, Pairs
from apps.identity.selectors import names
from apps.images import attributes, exceptions, patches, states
from apps.images.api import permissions
from apps.images.api.serializers import images as serializers
from apps.images.models import Image, Member
from apps.images.services import images

LABELS = {
    states.ACTIVE: "success", states.QUEUED: "info", states.SAVING: "info", states.DEACTIVATED: "warning",
    states.DELETED: "",
}  # fmt: skip


class ImageEdit(ServiceForm):
    name = forms.CharField(max_length=255, required=False)
    visibility = forms.ChoiceField(choices=[(name, name) for name in states.VISIBILITIES])
    owner = forms.ChoiceField(help_text="The project that owns the image.")
    min_disk = forms.IntegerField(label="Minimum disk (GiB)")
    min_ram = forms.IntegerField(label="Minimum RAM (MiB)")
    protected = forms.BooleanField(required=False, help_text="Prevents deletion.")
    os_hidden = forms.BooleanField(required=False, label="Hidden", help_text="Leaves the image out of lists.")
    tags = Lines(help_text="One per line.")
    properties = Pairs()

    event = ("image.update", "image")

    def prepare(self) -> None:
        owner = self.instance.project_id
        known = names.choices_of_projects()
        more = [] if owner in dict(known) else [(owner, owner)]
        self.fields["owner"].choices = [*more, *known]  # type: ignore[attr-defined]

    def shown(self, row: Image) -> dict[str, Any]:
        return {"owner": row.project_id, "tags": row.tags, "properties": row.properties}

    def document(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.changed_data}

    def serve(self, values: dict[str, Any]) -> Image:
        properties = values.pop("properties", None)
        document = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()]
        if properties is not None:
            had = self.instance.properties
            document += [{"op": "remove", "path": pointer(name)} for name in had if name not in properties]
            document += [
                {"op": "add", "path": pointer(name), "value": value}
                for name, value in properties.items()
                if had.get(name) != value
            ]
        operations_ = patches.parse(document)
        context = self.operator.context
        permissions.check(context, "modify_image", self.instance)
        changes = permissions.checked(context, lambda row: patches.apply(row, operations_))
        return images.update(context=context, image=self.instance, changes=changes)


def pointer(name: str) -> str:
    """Return the JSON pointer (RFC 6901) of a property."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


class ImageAdd(ImageEdit):
    """A new image, with its data, or queued for an upload through the API. Refused data leaves no image behind."""

    disk_format = forms.ChoiceField(choices=[(name, name) for name in states.DISK_FORMATS], initial="qcow2")
    container_format = forms.ChoiceField(choices=[(name, name) for name in states.CONTAINER_FORMATS], initial="bare")
    min_disk = forms.IntegerField(label="Minimum disk (GiB)", initial=0)
    min_ram = forms.IntegerField(label="Minimum RAM (MiB)", initial=0)
    bits = forms.FileField(
        required=False,
        label="File",
        help_text="Must match the disk format. Leave empty to upload the data through the API.",
    )

    field_order = ("name", "bits", "disk_format", "container_format", "owner")
    request: HttpRequest
    serializer: Any = serializers.ImageCreate
    event = ("image.create", "image")

    def prepare(self) -> None:
        self.fields["owner"].choices = names.choices_of_projects()  # type: ignore[attr-defined]
        self.fields["visibility"].initial = states.PRIVATE

    def document(self) -> dict[str, Any]:
        """Raises BadRequest (400) for a property that is called like an attribute: one of both would be lost.

        Raises TooManyBytes (413).
        """
        if getattr(self.request, "too_many_bytes", False):
            raise exceptions.TooManyBytes(cap=settings.IMAGE_SIZE_CAP, field="bits")
        entered = {name: self.cleaned_data[name] for name in self.fields if name not in ("properties", "bits")}
        properties = self.cleaned_data["properties"]
        taken = sorted(set(properties) & {*attributes.SETTABLE, "id"})
        if taken:
            raise attributes.invalid("properties", f"'{taken[0]}' is an attribute, and no property")
        return {**properties, **entered, "name": entered["name"] or None}

    def serve(self, values: dict[str, Any]) -> Image:
        context = self.operator.context
        permissions.check_new(context, values["values"])
        image = images.create(context=context, values=values["values"], properties=values["properties"])
        bits = self.cleaned_data["bits"]
        if bits is None:
            return image
        permissions.check(context, "upload_image", image)
        return images.upload(image=image, source=bits, expected=bits.size)


class DeletedFilter(admin.SimpleListFilter):
    """Deleted images keep their rows: they are shown when asked for."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Deleted"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> QuerySet[Image]:
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


targets.add_model("image", Image)


@admin.register(Image)
class ImageAdmin(Page):
    list_display = (
        "shown_name", "shown_status", "visibility", "disk_format", "megabytes", "project", "created_at", "id",
    )  # fmt: skip
    list_filter = (DeletedFilter, filters.text("status"), filters.text("visibility"), "os_hidden", "protected")
    search_fields = ("name", "id", "project_id", "os_hash_value", "checksum")
    ordering = ("-created_at",)
    add_form, edit_form = ImageAdd, ImageEdit
    facts = (
        "id", "status", "disk_format", "container_format", "size", "virtual_size", "checksum", "os_hash_algo",
        "os_hash_value", "created_at", "updated_at", "deleted_at",
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        gone = obj is not None and obj.deleted_at is not None
        return not gone and super().has_change_permission(request, obj)

    def _service_form(self, request: HttpRequest, obj: Any) -> type[ServiceForm] | None:
        return super()._service_form(request, obj) if self.has_change_permission(request, obj) else None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.request = request
        return form

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)

    def panels(self, request: HttpRequest, row: Image) -> list[panels.Panel]:
        members = [
            [member.member_id, member.status, f"{member.created_at:%Y-%m-%d %H:%M}"]
            for member in row.members.all()[:100]
        ]
        shared = [panels.table("Shared with", ["project", "status", "since"], members)] if members else []
        return [*shared, *super().panels(request, row)]

    @display(description="name", ordering="name")
    def shown_name(self, image: Image) -> SafeString:
        return cells.cut(image)

    @display(description="status", ordering="status", label=LABELS)
    def shown_status(self, image: Image) -> str:
        return image.status

    @display(description="MiB", ordering="size")
    def megabytes(self, image: Image) -> str:
        return "" if image.size is None else f"{image.size / 2**20:.1f}"

    @display(description="project", ordering="project_id")
    def project(self, image: Image) -> str:
        return str(getattr(image, "project_name", image.project_id))


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    list_display = ("member_id", "image", "status", "created_at", "updated_at")
    list_filter = (filters.text("status"),)
    search_fields = ("member_id", "image__name", "image__id")
    list_select_related = ("image",)


def _deactivate(operator: Operator, image: Image, values: dict[str, Any]) -> str:
    images.deactivate(image=image)
    return f"Deactivated {image}."


def _reactivate(operator: Operator, image: Image, values: dict[str, Any]) -> str:
    images.reactivate(image=image)
    return f"Reactivated {image}."


def _delete(operator: Operator, image: Image, values: dict[str, Any]) -> str:
    images.delete(image=image)
    return f"Deleted {image}. Servers made from it are not affected."


operations.add(
    "images.image",
    Operation(
        name="deactivate", title="Deactivate", icon="block", tone=operations.AMBER, run=_deactivate,
        event="image.deactivate", event_type="image", rule="deactivate", target=permissions.owner_of,
        offered=lambda image: image.status == states.ACTIVE,
        explains="Blocks boots and downloads of the image until you reactivate it. Servers made from it are not "
        "affected.",
    ),
    Operation(
        name="reactivate", title="Reactivate", icon="check_circle", run=_reactivate,
        event="image.reactivate", event_type="image", rule="reactivate", target=permissions.owner_of,
        offered=lambda image: image.status == states.DEACTIVATED,
        explains="Allows boots and downloads of the image again.",
    ),
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, typed=True, run=_delete,
        event="image.delete", event_type="image", rule="delete_image", target=permissions.owner_of,
        offered=lambda image: image.deleted_at is None,
        explains="Deletes the image, and its data unless another image shares it. Servers made from it are not "
        "affected. This cannot be undone.",
    ),
)  # fmt: skip
