"""Projects and domains."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common import policy
from apps.common.admin import Operation, Operator, Page, ReadOnlyAdmin, ServiceForm, cells, filters, operations, targets
from apps.common.admin.forms import Lines
from apps.identity import models
from apps.identity.admin.inlines import DomainAssignmentInline, ProjectAssignmentInline
from apps.identity.api.serializers import projects as serializers
from apps.identity.api.views.base import target_of_project
from apps.identity.selectors import names
from apps.identity.services import projects
from apps.identity.states import DEFAULT_DOMAIN_ID


class ProjectEdit(ServiceForm):
    name = forms.CharField(max_length=64)
    description = forms.CharField(widget=forms.Textarea, required=False)
    enabled = forms.BooleanField(
        required=False, initial=True, help_text="Disabling permanently revokes all tokens for this project."
    )
    tags = Lines(help_text="One per line.")

    serializer: Any = serializers.ProjectUpdateSerializer

    def document(self) -> dict[str, Any]:
        names_ = list(self.fields) if self.instance._state.adding else self.changed_data
        return {name: self.cleaned_data[name] for name in names_}

    def serve(self, values: dict[str, Any]) -> models.Project:
        policy.check(self.operator.context, "identity:update_project", target_of_project(self.instance))
        return projects.update(project_id=self.instance.pk, changes=values)


class ProjectAdd(ProjectEdit):
    domain_id = forms.ChoiceField(label="Domain")
    parent_id = forms.ChoiceField(label="Parent", required=False)

    serializer = serializers.ProjectSerializer

    def prepare(self) -> None:
        self.fields["domain_id"].choices = names.choices_of_domains()  # type: ignore[attr-defined]
        choices = [("", "none"), *names.choices_of_projects()]
        self.fields["parent_id"].choices = choices  # type: ignore[attr-defined]

    def document(self) -> dict[str, Any]:
        document = super().document()
        if not document["parent_id"]:
            document.pop("parent_id")
        return document

    def serve(self, values: dict[str, Any]) -> models.Project:
        target = {"target.project.domain_id": values["domain_id"]}
        policy.check(self.operator.context, "identity:create_project", target)
        return projects.create(values=values, default_domain_id=DEFAULT_DOMAIN_ID)


targets.add_model("project", models.Project)


@admin.register(models.Project)
class ProjectAdmin(Page):
    list_display = ("name", "domain", "parent", "enabled", "description", "created_at", "id")
    list_filter = ("enabled", filters.text("domain", column="domain__name"))
    search_fields = ("name", "id", "description")
    list_select_related = ("domain", "parent")
    inlines = (ProjectAssignmentInline,)
    add_form, edit_form = ProjectAdd, ProjectEdit
    facts = ("id", "domain", "above", "options", "extra", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Project]:
        rows: QuerySet[models.Project] = super().get_queryset(request)
        return rows.filter(is_domain=False)

    @display(description="parent")
    def above(self, project: models.Project) -> SafeString:
        """The parent of a top-level project is its domain, which has another page."""
        parent = project.parent
        if parent is None:
            return SafeString("-")
        return cells.link("identity_domain" if parent.is_domain else "identity_project", parent.pk, parent.name)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()


@admin.register(models.Domain)
class DomainAdmin(ReadOnlyAdmin):
    list_display = ("name", "enabled", "description", "created_at", "id")
    list_filter = ("enabled",)
    search_fields = ("name", "id")
    exclude = ("domain", "parent", "is_domain")
    inlines = (DomainAssignmentInline,)


def _delete(operator: Operator, project: models.Project, values: dict[str, Any]) -> str:
    projects.delete(project_id=project.pk)
    return f"Deleted the project {project.name}."


operations.add(
    "identity.project",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, typed=True, run=_delete,
        rule="identity:delete_project", target=target_of_project,
        explains="Deletes the project. It must have no child projects and no resources; `celerity project_purge` "
        "deletes its resources. This cannot be undone.",
    ),
)  # fmt: skip
