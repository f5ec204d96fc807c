"""Role assignments: granted and removed as through the API, and never from the last administrator."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common import policy
from apps.common.admin import Operation, Operator, Page, ServiceForm, cells, filters, operations
from apps.common.exceptions import BadRequest
from apps.identity import models
from apps.identity.admin import lockout
from apps.identity.exceptions import NotFound
from apps.identity.selectors import domains, names, projects, roles
from apps.identity.services import role_assignments
from apps.identity.states import DEFAULT_DOMAIN_ID

SYSTEM = "system"


def _check(operator: Operator, verb: str, *, role: models.Role, actor: Any, target: Any) -> None:
    """Raise PolicyForbidden (403) as the API does for a grant of this role to this actor on this target."""
    kind = "user" if isinstance(actor, models.User) else "group"
    rule = f"identity:{verb}_system_grant_for_{kind}" if target is None else f"identity:{verb}_grant"
    subject: dict[str, Any] = {"target.actor.domain_id": actor.domain_id}
    if target is not None:
        subject["target.scope.domain_id"] = target.pk if target.is_domain else target.domain_id
    if role.domain_id is None:
        subject["target.role.name"] = role.name
    policy.check(operator.context, rule, subject)


def _find(model: Any, noun: str, text: str) -> Any:
    """Return the one user or group with this id, or of this name. Raises NotFound (404), BadRequest (400)."""
    row = model.objects.filter(pk=text).first()
    if row is not None:
        return row
    called = list(model.objects.filter(name=text)[:20])
    own = [row for row in called if row.domain_id == DEFAULT_DOMAIN_ID] or called
    if len(own) > 1:
        raise BadRequest(f"Several domains have a {noun} of this name. Enter the id.", field=noun)
    if not own:
        raise NotFound(noun=noun, id=text[:64], field=noun)
    return own[0]


class AssignmentAdd(ServiceForm):
    user = forms.CharField(max_length=255, required=False, help_text="Name or id. Enter a user or a group, not both.")
    group = forms.CharField(max_length=255, required=False, help_text="Name or id.")
    role = forms.ChoiceField()
    on = forms.ChoiceField(
        label="On", help_text="System roles give access to these pages: reader can view, admin can change."
    )
    inherited = forms.BooleanField(required=False, help_text="Applies to child projects only.")

    def prepare(self) -> None:
        known = models.Role.objects.select_related("domain").order_by("name", "id")[:1000]
        self.fields["role"].choices = [  # type: ignore[attr-defined]
            (role.pk, f"{role.name} ({role.domain.name})" if role.domain else role.name) for role in known
        ]
        self.fields["on"].choices = [  # type: ignore[attr-defined]
            (SYSTEM, "the system"),
            ("Domains", [(f"domain {key}", name) for key, name in names.choices_of_domains()]),
            ("Projects", [(f"project {key}", name) for key, name in names.choices_of_projects()]),
        ]

    def document(self) -> dict[str, Any]:
        if bool(self.cleaned_data["user"]) == bool(self.cleaned_data["group"]):
            raise BadRequest("Enter either a user or a group.")
        return dict(self.cleaned_data)

    def serve(self, values: dict[str, Any]) -> models.RoleAssignment:
        actor = (
            _find(models.User, "user", values["user"])
            if values["user"]
            else _find(models.Group, "group", values["group"])
        )
        role, target = roles.get(values["role"]), _target(values["on"])
        inherited = values["inherited"]
        if inherited and target is None:
            raise BadRequest("A role on the system cannot be inherited.", field="inherited")
        _check(self.operator, "create", role=role, actor=actor, target=target)
        role_assignments.grant(role=role, actor=actor, target=target, inherited=inherited)
        columns = role_assignments.columns(actor=actor, target=target)
        return models.RoleAssignment.objects.get(**columns, role=role, inherited=inherited)


def _target(text: str) -> Any:
    """Return the project or domain, None for the system. Raises NotFound (404) if it was deleted in between."""
    if text == SYSTEM:
        return None
    kind, _, key = text.partition(" ")
    target = projects.find(key) if kind == "project" else domains.find(key)
    if target is None or target.is_domain != (kind == "domain"):
        raise NotFound(noun=kind, id=key[:64])
    return target


@admin.register(models.RoleAssignment)
class RoleAssignmentAdmin(Page):
    list_display = ("shown_role", "user", "group", "project", "domain", "system", "inherited")
    list_filter = (filters.text("role", column="role__name"), "system", "inherited")
    search_fields = ("user__name", "group__name", "project__name", "domain__name", "role__name")
    list_select_related = ("role", "user", "group", "project", "domain")
    add_form = AssignmentAdd

    def audited(self, row: models.RoleAssignment) -> tuple[str, object]:
        """The audit trail records grants and removals under the user or group that has the role."""
        return ("user", row.user_id) if row.user_id else ("group", row.group_id)

    @display(description="role", ordering="role__name")
    def shown_role(self, row: models.RoleAssignment) -> SafeString:
        return cells.cut(row.role.name)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ("user", "group", "role", "project", "domain", "system", "inherited")})]


def _remove(operator: Operator, row: models.RoleAssignment, values: dict[str, Any]) -> str:
    actor = row.user or row.group
    assert actor is not None  # a constraint holds it
    target = None if row.system else row.project or row.domain
    _check(operator, "revoke", role=row.role, actor=actor, target=target)
    with lockout.refused(operator):
        role_assignments.revoke(role=row.role, actor=actor, target=target, inherited=row.inherited)
    return f"{actor.name} no longer has the role {row.role.name} on {target.name if target else 'the system'}."


operations.add(
    "identity.roleassignment",
    Operation(
        name="delete", title="Remove", icon="delete", tone=operations.AMBER, run=_remove,
        confirm=lambda row: f"Remove the role {row.role.name}", keep="Keep the role",
        explains="Removes the role. Takes effect on the next request, also for tokens already issued.",
    ),
)  # fmt: skip
