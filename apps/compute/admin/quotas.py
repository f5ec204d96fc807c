"""The quotas of a project on its page: limits and usage, set as os-quota-sets sets them."""

from typing import Any

from django import forms
from django.http import HttpRequest

from apps.common.admin import Operation, Operator, operations, panels
from apps.common.admin.forms import flat
from apps.common.exceptions import BadRequest
from apps.compute.api.serializers import quota_sets as serializers
from apps.compute.selectors import quota_sets as selectors
from apps.compute.services import quota_sets

RULE = "os_compute_api:os-quota-sets:{}"


class QuotaForm(forms.Form):
    force = forms.BooleanField(required=False, label="Allow limits below current usage")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        force = self.fields.pop("force")
        for name in selectors.RESOURCES:
            self.fields[name] = forms.IntegerField(required=False, help_text="-1 means unlimited.")
        self.fields["force"] = force


def _set(operator: Operator, project: Any, values: dict[str, Any]) -> str:
    now = selectors.of_project(project_id=project.id)
    changed = {
        name: values[name]
        for name in selectors.RESOURCES
        if values[name] is not None and values[name] != now[name]
    }  # fmt: skip
    if not changed:
        return "Nothing was changed."
    parsed = serializers.QuotaSetUpdate(data={**changed, "force": values["force"]})
    if not parsed.is_valid():
        raise BadRequest(flat(parsed.errors))
    given = dict(parsed.validated_data)
    quota_sets.update(project_id=project.id, force=given.pop("force", False), values=given)
    return f"Changed: {', '.join(f'{name} to {value}' for name, value in given.items())}."


def _reset(operator: Operator, project: Any, values: dict[str, Any]) -> str:
    quota_sets.reset(project_id=project.id)
    return "Removed this project's own limits. The defaults apply."


def _quotas(request: HttpRequest, project: Any) -> panels.Panel:
    """Return limits with usage and reservations. 2 queries."""
    rows: list[list[Any]] = [
        [name, "unlimited" if quota["limit"] < 0 else quota["limit"], quota["in_use"], quota["reserved"]]
        for name, quota in selectors.detail(project_id=project.id).items()
        if name in selectors.RESOURCES
    ]
    return panels.table("Quotas", ["resource", "limit", "in use", "reserved"], rows)


panels.add("identity.project", _quotas)
operations.add(
    "identity.project",
    Operation(
        name="quotas", title="Set quotas", icon="speed", run=_set, form=QuotaForm,
        initial=lambda project: selectors.of_project(project_id=project.id),
        rule=RULE.format("update"), target=lambda project: {"project_id": project.id},
        confirm=lambda project: f"Set the quotas of {project.name}",
        explains="Sets limits for this project only. A limit below current usage is refused unless you allow it.",
    ),
    Operation(
        name="reset-quotas", title="Reset quotas", icon="restart_alt", tone=operations.AMBER, run=_reset,
        confirm=lambda project: f"Reset the quotas of {project.name}",
        rule=RULE.format("delete"), target=lambda project: {"project_id": project.id},
        explains="Removes this project's own limits; the defaults apply.",
    ),
)  # fmt: skip
