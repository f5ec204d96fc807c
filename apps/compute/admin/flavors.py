"""Flavors: can be created and described as through the API; their sizes never change."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from apps.common import policy
from apps.common.admin import Operation, Operator, Page, ReadOnlyAdmin, ServiceForm, operations, panels
from apps.common.admin.forms import Lines, Pairs
from apps.compute.api import versions
from apps.compute.api.serializers import flavor_extra_specs as spec_serializers
from apps.compute.api.serializers import flavors as serializers
from apps.compute.models import Flavor, FlavorAccess
from apps.compute.selectors import flavors as selectors
from apps.compute.services import flavors
from apps.identity.selectors import names

RULE = "os_compute_api:os-flavor-manage:{}"


class _FlavorForm(ServiceForm):
    def change_specs(self, flavor: Flavor, wanted: dict[str, str]) -> None:
        """Set the extra specs to the entered ones. Raises BadRequest (400)."""
        checked = spec_serializers.parse(wanted, versions.HIGHEST)
        for key in set(flavor.extra_specs) - set(wanted):
            flavors.delete_extra_spec(flavor=flavor, key=key)
        if wanted:
            flavors.add_extra_specs(flavor=flavor, extra_specs=checked)

    def change_access(self, flavor: Flavor, wanted: list[str]) -> None:
        """Make the projects that may use a private flavor those that were entered."""
        had = set(selectors.projects_of(flavor=flavor))
        for project in sorted(set(wanted) - had):
            flavors.add_access(flavor=flavor, project_id=project)
        for project in sorted(had - set(wanted)):
            flavors.remove_access(flavor=flavor, project_id=project)


class FlavorAdd(_FlavorForm):
    name = forms.CharField(max_length=255)
    flavor_id = forms.CharField(max_length=255, required=False, label="ID", help_text="Leave empty to get a UUID.")
    vcpus = forms.IntegerField(label="vCPUs")
    ram_mib = forms.IntegerField(label="RAM (MiB)")
    disk_gib = forms.IntegerField(label="Root disk (GiB)", initial=0, help_text="0 means as large as the image.")
    ephemeral_gib = forms.IntegerField(label="Ephemeral disk (GiB)", initial=0)
    swap_mib = forms.IntegerField(label="Swap (MiB)", initial=0)
    rxtx_factor = forms.FloatField(initial=1.0, label="RX/TX factor")
    is_public = forms.BooleanField(
        required=False, initial=True, help_text="If off, only the projects below can use it."
    )
    description = forms.CharField(widget=forms.Textarea, required=False)
    extra_specs = Pairs()
    projects = Lines(help_text="Project ids, one per line. Applies only if the flavor is not public.")

    serializer = serializers.FlavorCreate
    event = ("flavor.create", "flavor")
    wire = {
        "id": "flavor_id", "ram": "ram_mib", "disk": "disk_gib", "swap": "swap_mib",
        "OS-FLV-EXT-DATA:ephemeral": "ephemeral_gib", "os-flavor-access:is_public": "is_public",
    }  # fmt: skip

    def document(self) -> dict[str, Any]:
        document = super().document()
        return {key: value for key, value in document.items() if key not in ("extra_specs", "projects")}

    def serve(self, values: dict[str, Any]) -> Flavor:
        policy.check(self.operator.context, RULE.format("create"))
        flavor = flavors.create(values=values)
        self.change_specs(flavor, self.cleaned_data["extra_specs"])
        self.change_access(flavor, self.cleaned_data["projects"])
        return flavor


class FlavorEdit(_FlavorForm):
    description = forms.CharField(widget=forms.Textarea, required=False)
    extra_specs = Pairs()
    projects = Lines(help_text="Project ids, one per line. Applies only if the flavor is not public.")

    event = ("flavor.update", "flavor")

    def shown(self, row: Flavor) -> dict[str, Any]:
        return {
            "description": row.description or "",
            "extra_specs": row.extra_specs,
            "projects": selectors.projects_of(flavor=row),
        }

    def document(self) -> dict[str, Any]:
        return {}

    def serve(self, values: dict[str, Any]) -> Flavor:
        policy.check(self.operator.context, RULE.format("update"))
        flavor, entered = Flavor.objects.get(pk=self.instance.pk), self.cleaned_data
        parsed = serializers.FlavorUpdate(data={"description": entered["description"] or None})
        parsed.is_valid(raise_exception=True)
        if (flavor.description or "") != entered["description"]:
            flavors.update(flavor=flavor, **parsed.validated_data)
        self.change_specs(flavor, entered["extra_specs"])
        self.change_access(flavor, entered["projects"])
        return flavor


@admin.register(Flavor)
class FlavorAdmin(Page):
    list_display = ("name", "flavor_id", "vcpus", "ram_mib", "disk_gib", "swap_mib", "is_public", "disabled")
    list_filter = ("is_public", "disabled")
    search_fields = ("name", "flavor_id", "description")
    add_form, edit_form = FlavorAdd, FlavorEdit
    facts = (
        "name", "flavor_id", "vcpus", "ram_mib", "disk_gib", "ephemeral_gib", "swap_mib", "rxtx_factor", "is_public",
        "disabled", "created_at",
    )  # fmt: skip

    def panels(self, request: HttpRequest, row: Flavor) -> list[panels.Panel]:
        shown = super().panels(request, row)
        if row.is_public:
            return shown
        ids = selectors.projects_of(flavor=row)
        project_names = names.of_projects(project_ids=ids)
        rows: list[list[Any]] = [[project_names.get(key, ""), key] for key in ids]
        return [panels.table("Projects with access", ["project", "id"], rows), *shown]


@admin.register(FlavorAccess)
class FlavorAccessAdmin(ReadOnlyAdmin):
    list_display = ("flavor", "project_id")
    list_select_related = ("flavor",)
    search_fields = ("flavor__name", "flavor__flavor_id", "project_id")


def _delete(operator: Operator, flavor: Flavor, values: dict[str, Any]) -> str:
    flavors.delete(flavor=Flavor.objects.get(pk=flavor.pk))
    return f"Deleted the flavor {flavor.name}. Existing servers keep their copy."


operations.add(
    "compute.flavor",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete, rule=RULE.format("delete"),
        event="flavor.delete", event_type="flavor",
        explains="Deletes the flavor. Existing servers keep their copy of it. This cannot be undone.",
    ),
)  # fmt: skip
