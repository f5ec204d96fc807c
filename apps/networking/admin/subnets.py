"""Subnets."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import Operation, Operator, Page, ServiceForm, cells, operations
from apps.common.admin.forms import Lines
from apps.networking.api import permissions
from apps.networking.api.serializers import subnets as serializers
from apps.networking.models import Subnet
from apps.networking.selectors import networks as network_selectors
from apps.networking.services import subnets


class Pools(Lines):
    """Ranges of addresses: ``first-last`` per line."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = [f"{pool['start']}-{pool['end']}" for pool in value]
        return super().prepare_value(value)

    def clean(self, value: Any) -> Any:
        pools = []
        for line in super().clean(value):
            start, is_pair, end = line.partition("-")
            if not is_pair:
                raise forms.ValidationError(f"'{line[:64]}' is not first-last.")
            pools.append({"start": start.strip(), "end": end.strip()})
        return pools

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), self.prepare_value(data))


class SubnetEdit(ServiceForm):
    name = forms.CharField(max_length=255, required=False)
    description = forms.CharField(max_length=255, required=False)
    gateway_ip = forms.CharField(
        max_length=64, required=False, label="Gateway", help_text="Leave empty for no gateway."
    )
    enable_dhcp = forms.BooleanField(required=False, initial=True, label="DHCP")
    dns_nameservers = Lines(label="Name servers", help_text="One address per line.")
    allocation_pools = Pools(help_text="first-last, one per line. Leave empty for all addresses but the gateway.")

    serializer: Any = serializers.SubnetUpdate
    event = ("subnet.update", "subnet")

    def document(self) -> dict[str, Any]:
        changed = {name: self.cleaned_data[name] for name in self.changed_data}
        if "gateway_ip" in changed:
            changed["gateway_ip"] = changed["gateway_ip"] or None
        return changed

    def serve(self, values: dict[str, Any]) -> Subnet:
        permissions.check(self.operator.context, "update_subnet", self.instance)
        return subnets.update(subnet=self.instance, values=values)


class SubnetAdd(SubnetEdit):
    network_id = forms.CharField(max_length=36, label="Network's id")
    cidr = forms.CharField(max_length=64, label="Range", help_text="For example 10.0.0.0/24.")
    ip_version = forms.TypedChoiceField(choices=[("4", "IPv4"), ("6", "IPv6")], coerce=int, initial="4")
    gateway_ip = forms.CharField(
        max_length=64,
        required=False,
        label="Gateway",
        help_text='Leave empty for the first address. Enter "none" for no gateway.',
    )

    serializer = serializers.SubnetCreate
    event = ("subnet.create", "subnet")

    def document(self) -> dict[str, Any]:
        entered = {name: self.cleaned_data[name] for name in self.fields}
        if entered["gateway_ip"] == "none":
            entered["gateway_ip"] = None
        return {name: value for name, value in entered.items() if value not in ("", [])}

    def serve(self, values: dict[str, Any]) -> Subnet:
        context = self.operator.context
        network = network_selectors.get(context=context, network_id=values["network_id"])
        permissions.check_new_subnet(context, network)
        return subnets.create(context=context, network=network, values=values)


@admin.register(Subnet)
class SubnetAdmin(Page):
    list_display = ("shown_name", "cidr", "gateway_ip", "enable_dhcp", "network", "project_id", "id")
    list_filter = ("enable_dhcp",)
    search_fields = ("name", "id", "cidr", "network__name", "project_id")
    list_select_related = ("network",)
    add_form, edit_form = SubnetAdd, SubnetEdit
    facts = ("id", "network", "cidr", "ip_version", "host_routes", "project_id", "created_at", "updated_at")

    @display(description="name", ordering="name")
    def shown_name(self, subnet: Subnet) -> SafeString:
        return cells.cut(subnet)


def _delete(operator: Operator, subnet: Subnet, values: dict[str, Any]) -> str:
    subnets.delete(subnet=subnet)
    return f"Deleted the subnet {subnet}."


operations.add(
    "networking.subnet",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete, event="subnet.delete",
        event_type="subnet", rule="delete_subnet", target=permissions.owner_of,
        explains="Deletes the subnet. No port may have an address in it. This cannot be undone.",
    ),
)  # fmt: skip
