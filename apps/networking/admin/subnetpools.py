"""Subnet pools and address scopes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import Operation, Operator, Page, ServiceForm, cells, operations, panels
from apps.common.admin.forms import Lines
from apps.identity.selectors import names
from apps.networking.api import permissions
from apps.networking.api.serializers import address_scopes as scope_serializers
from apps.networking.api.serializers import subnetpools as serializers
from apps.networking.models import AddressScope, SubnetPool
from apps.networking.services import address_scopes, subnetpools

_LENGTH = "Leave empty for the usual one."


class SubnetPoolEdit(ServiceForm):
    name = forms.CharField(max_length=255, required=False)
    description = forms.CharField(max_length=255, required=False)
    prefixes = Lines(help_text="One range per line, for example 10.0.0.0/8.")
    min_prefixlen = forms.IntegerField(required=False, label="Shortest prefix", help_text=_LENGTH)
    max_prefixlen = forms.IntegerField(required=False, label="Longest prefix", help_text=_LENGTH)
    default_prefixlen = forms.IntegerField(required=False, label="Usual prefix", help_text=_LENGTH)
    default_quota = forms.IntegerField(
        required=False,
        label="Quota of a project",
        help_text="IPv4 addresses or IPv6 /64s. Leave empty for no limit.",
    )
    is_default = forms.BooleanField(required=False, label="Default pool of its IP version")

    serializer: Any = serializers.SubnetPoolUpdate
    event = ("subnetpool.update", "subnetpool")

    def document(self) -> dict[str, Any]:
        """Return the entered values of a new pool, the changed values of an existing one."""
        entered = list(self.fields) if self.instance._state.adding else self.changed_data
        values = {name: self.cleaned_data[name] for name in entered}
        return {name: value for name, value in values.items() if value is not None or name == "default_quota"}

    def serve(self, values: dict[str, Any]) -> SubnetPool:
        context = self.operator.context
        permissions.check(context, "update_subnetpool", self.instance)
        permissions.check_shared(context, "subnetpool", self.instance, values)
        return subnetpools.update(context=context, subnetpool=self.instance, values=values)


class SubnetPoolAdd(SubnetPoolEdit):
    shared = forms.BooleanField(required=False, help_text="Lets every project use the pool.")
    project_id = forms.ChoiceField(label="Project")
    serializer = serializers.SubnetPoolCreate
    event = ("subnetpool.create", "subnetpool")

    def prepare(self) -> None:
        self.fields["project_id"].choices = names.choices_of_projects()  # type: ignore[attr-defined]

    def serve(self, values: dict[str, Any]) -> SubnetPool:
        permissions.check_new_shared(self.operator.context, "subnetpool", values)
        return subnetpools.create(context=self.operator.context, values=values)


@admin.register(SubnetPool)
class SubnetPoolAdmin(Page):
    list_display = ("shown_name", "ip_version", "shown_prefixes", "is_default", "shared", "project_id", "id")
    list_filter = ("ip_version", "is_default", "shared")
    search_fields = ("name", "id", "project_id")
    add_form, edit_form = SubnetPoolAdd, SubnetPoolEdit
    facts = ("id", "project_id", "ip_version", "shared", "address_scope", "tags", "created_at", "updated_at")

    def panels(self, request: HttpRequest, row: SubnetPool) -> list[panels.Panel]:
        subnets = [
            [{"text": str(item), "href": reverse("admin:networking_subnet_change", args=[item.pk])}, item.cidr]
            for item in row.subnets.order_by("created_at", "id")[:200]
        ]
        return [panels.table("Subnets", ["name", "range"], subnets), *super().panels(request, row)]

    @display(description="name", ordering="name")
    def shown_name(self, pool: SubnetPool) -> SafeString:
        return cells.cut(pool)

    @display(description="prefixes")
    def shown_prefixes(self, pool: SubnetPool) -> str:
        return ", ".join(pool.prefixes[:5])


class AddressScopeEdit(ServiceForm):
    name = forms.CharField(max_length=255, required=False)
    shared = forms.BooleanField(required=False, help_text="Lets every project put its pools into the scope.")

    serializer: Any = scope_serializers.AddressScopeUpdate
    event = ("address_scope.update", "address_scope")

    def document(self) -> dict[str, Any]:
        entered = list(self.fields) if self.instance._state.adding else self.changed_data
        return {name: self.cleaned_data[name] for name in entered}

    def serve(self, values: dict[str, Any]) -> AddressScope:
        context = self.operator.context
        permissions.check(context, "update_address_scope", self.instance)
        permissions.check_shared(context, "address_scope", self.instance, values)
        return address_scopes.update(context=context, address_scope=self.instance, values=values)


class AddressScopeAdd(AddressScopeEdit):
    ip_version = forms.TypedChoiceField(choices=[("4", "IPv4"), ("6", "IPv6")], coerce=int, initial="4")
    project_id = forms.ChoiceField(label="Project")
    serializer = scope_serializers.AddressScopeCreate
    event = ("address_scope.create", "address_scope")

    def prepare(self) -> None:
        self.fields["project_id"].choices = names.choices_of_projects()  # type: ignore[attr-defined]

    def serve(self, values: dict[str, Any]) -> AddressScope:
        permissions.check_new_shared(self.operator.context, "address_scope", values)
        return address_scopes.create(context=self.operator.context, values=values)


@admin.register(AddressScope)
class AddressScopeAdmin(Page):
    list_display = ("shown_name", "ip_version", "shared", "project_id", "id")
    list_filter = ("ip_version", "shared")
    search_fields = ("name", "id", "project_id")
    add_form, edit_form = AddressScopeAdd, AddressScopeEdit
    facts = ("id", "project_id", "ip_version", "created_at", "updated_at")

    def panels(self, request: HttpRequest, row: AddressScope) -> list[panels.Panel]:
        pools = [
            [{"text": str(item), "href": reverse("admin:networking_subnetpool_change", args=[item.pk])},
             ", ".join(item.prefixes[:5])]
            for item in row.subnetpools.order_by("created_at", "id")[:200]
        ]  # fmt: skip
        return [panels.table("Subnet pools", ["name", "prefixes"], pools), *super().panels(request, row)]

    @display(description="name", ordering="name")
    def shown_name(self, scope: AddressScope) -> SafeString:
        return cells.cut(scope)


def _delete_pool(operator: Operator, pool: SubnetPool, values: dict[str, Any]) -> str:
    subnetpools.delete(subnetpool=pool)
    return f"Deleted the subnet pool {pool}."


def _delete_scope(operator: Operator, scope: AddressScope, values: dict[str, Any]) -> str:
    address_scopes.delete(address_scope=scope)
    return f"Deleted the address scope {scope}."


operations.add(
    "networking.subnetpool",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete_pool, event="subnetpool.delete",
        event_type="subnetpool", rule="delete_subnetpool", target=permissions.owner_of,
        explains="Deletes the subnet pool. No subnet may have a range of it. This cannot be undone.",
    ),
)  # fmt: skip
operations.add(
    "networking.addressscope",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete_scope,
        event="address_scope.delete", event_type="address_scope", rule="delete_address_scope",
        target=permissions.owner_of,
        explains="Deletes the address scope. No subnet pool may be in it. This cannot be undone.",
    ),
)  # fmt: skip
