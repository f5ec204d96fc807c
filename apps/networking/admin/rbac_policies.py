"""RBAC policies: which projects may use a resource of another."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from apps.common.admin import Operation, Operator, Page, filters, operations, panels
from apps.networking.api import permissions
from apps.networking.models import RbacPolicy
from apps.networking.services import rbac_policies
from apps.networking.services.shared_objects import TYPES


@admin.register(RbacPolicy)
class RbacPolicyAdmin(Page):
    list_display = ("id", "object_type", "object_id", "action", "target_project", "project_id", "created_at")
    list_filter = (filters.text("object_type"), filters.text("action"))
    search_fields = ("id", "object_id", "target_project", "project_id")
    ordering = ("-created_at", "id")

    def panels(self, request: HttpRequest, row: RbacPolicy) -> list[panels.Panel]:
        model, text = TYPES[row.object_type].model, f"{row.object_type} {row.object_id}"
        cell: dict[str, str] = {"text": text}
        if model in admin.site._registry:
            cell["href"] = reverse(f"admin:networking_{model._meta.model_name}_change", args=[row.object_id])
        return [panels.table("Object", ["type and id"], [[cell]]), *super().panels(request, row)]


def _delete(operator: Operator, policy: RbacPolicy, values: dict[str, str]) -> str:
    rbac_policies.delete(policy=policy)
    return f"Deleted the policy {policy}."


operations.add(
    "networking.rbacpolicy",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete, event="rbac_policy.delete",
        event_type="rbac_policy", rule="delete_rbac_policy", target=permissions.owner_of,
        explains="Takes the access away that the policy gives. Nothing of the project may depend on it.",
    ),
)  # fmt: skip
