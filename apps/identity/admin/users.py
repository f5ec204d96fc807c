"""Users and groups. Passwords can be set and never read; only bootstrap sets the flags of the pages."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from apps.common import policy
from apps.common.admin import Operation, Operator, Page, ReadOnlyAdmin, ServiceForm, filters, operations, targets
from apps.identity import models
from apps.identity.admin import lockout
from apps.identity.admin.inlines import AssignmentInline, MembershipInline
from apps.identity.api.serializers import users as serializers
from apps.identity.api.views.base import target_of_written_user
from apps.identity.selectors import names
from apps.identity.services import users
from apps.identity.states import DEFAULT_DOMAIN_ID


class UserEdit(ServiceForm):
    name = forms.CharField(max_length=255)
    email = forms.CharField(max_length=255, required=False)
    description = forms.CharField(widget=forms.Textarea, required=False)
    enabled = forms.BooleanField(required=False, initial=True, help_text="Disabling signs the user out everywhere.")
    default_project_id = forms.ChoiceField(required=False, label="Default project")
    password = forms.CharField(
        widget=forms.PasswordInput, required=False, strip=False,
        help_text="Leave empty to keep the password. Changing it signs the user out everywhere.",
    )  # fmt: skip

    serializer: Any = serializers.UserUpdateSerializer

    def prepare(self) -> None:
        self.fields["default_project_id"].choices = [("", "none"), *self._projects()]  # type: ignore[attr-defined]

    def _projects(self) -> list[tuple[str, str]]:
        known, own = names.choices_of_projects(), self.instance.default_project_id
        return known if not own or own in dict(known) else [(own, own), *known]

    def shown(self, row: models.User) -> dict[str, Any]:
        return {"password": "", "default_project_id": row.default_project_id or ""}

    def document(self) -> dict[str, Any]:
        names_ = list(self.fields) if self.instance._state.adding else self.changed_data
        entered = {name: self.cleaned_data[name] for name in names_}
        if not entered.get("password"):
            entered.pop("password", None)
        if "default_project_id" in entered:
            entered["default_project_id"] = entered["default_project_id"] or None
        return entered

    def serve(self, values: dict[str, Any]) -> models.User:
        policy.check(self.operator.context, "identity:update_user", target_of_written_user(self.instance))
        with lockout.refused(self.operator):
            return users.update(user_id=self.instance.pk, changes=values)


class UserAdd(UserEdit):
    domain_id = forms.ChoiceField(label="Domain")
    password = forms.CharField(
        widget=forms.PasswordInput,
        required=False,
        strip=False,
        help_text="Leave empty for a user that cannot sign in with a password.",
    )

    serializer = serializers.UserSerializer

    def prepare(self) -> None:
        super().prepare()
        self.fields["domain_id"].choices = names.choices_of_domains()  # type: ignore[attr-defined]

    def serve(self, values: dict[str, Any]) -> models.User:
        target = {"target.user.domain_id": values["domain_id"], "target.user.is_privileged": False}
        policy.check(self.operator.context, "identity:create_user", target)
        return users.create(values=values, default_domain_id=DEFAULT_DOMAIN_ID)


targets.add_model("user", models.User)
targets.add_model("group", models.Group)


@admin.register(models.User)
class UserAdmin(Page):
    list_display = ("name", "domain", "shown_enabled", "email", "last_login", "created_at", "id")
    list_filter = ("enabled", filters.text("domain", column="domain__name"))
    search_fields = ("name", "id", "email")
    list_select_related = ("domain",)
    exclude = ("password",)
    inlines = (AssignmentInline, MembershipInline)
    add_form, edit_form = UserAdd, UserEdit
    facts = (
        "id", "domain", "is_staff", "is_superuser", "last_login", "created_at", "password_expires_at",
        "password_changed_at", "failed_auth_count", "failed_auth_at", "options", "extra",
    )  # fmt: skip

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    @display(description="enabled", boolean=True, ordering="enabled")
    def shown_enabled(self, user: models.User) -> bool:
        return user.enabled


@admin.register(models.Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ("name", "domain", "description", "id")
    list_filter = (filters.text("domain", column="domain__name"),)
    search_fields = ("name", "id")
    list_select_related = ("domain",)
    inlines = (MembershipInline, AssignmentInline)


def _delete(operator: Operator, user: models.User, values: dict[str, Any]) -> str:
    with lockout.refused(operator):
        users.delete(user_id=user.pk)
    return f"Deleted {user.name}, its memberships and its roles."


operations.add(
    "identity.user",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, typed=True, run=_delete,
        rule="identity:delete_user", target=target_of_written_user,
        explains="Deletes the user, its memberships and roles, and revokes its tokens and sessions. Resources that it "
        "created stay. This cannot be undone.",
    ),
)  # fmt: skip
