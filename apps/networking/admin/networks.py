"""Networks."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from apps.common.admin import Operation, Operator, Page, ServiceForm, cells, filters, operations, panels, targets
from apps.identity.selectors import names
from apps.networking.api import permissions
from apps.networking.api.serializers import networks as serializers
from apps.networking.models import Network
from apps.networking.services import networks


class NetworkEdit(ServiceForm):
    name = forms.CharField(max_length=255, required=False)
    description = forms.CharField(max_length=255, required=False)
    admin_state_up = forms.BooleanField(required=False, initial=True, label="Administratively up")
    shared = forms.BooleanField(required=False, help_text="Lets every project use the network.")
    external = forms.BooleanField(required=False)
    mtu = forms.IntegerField(label="MTU (bytes)", required=False, help_text="Leave empty for the cloud's default.")

    serializer: Any = serializers.NetworkUpdate
    wire = {"router:external": "external"}
    event = ("network.update", "network")

    def document(self) -> dict[str, Any]:
        """Return the entered values of a new network, the changed values of an existing one; texts may become empty."""
        names_ = list(self.fields) if self.instance._state.adding else self.changed_data
        entered = {self.on_wire(name): self.cleaned_data[name] for name in names_}
        return {name: value for name, value in entered.items() if value is not None}

    def serve(self, values: dict[str, Any]) -> Network:
        context = self.operator.context
        permissions.check(context, "update_network", self.instance)
        permissions.check_network(context, self.instance, values)
        return networks.update(context=context, network=self.instance, values=values)


class NetworkAdd(NetworkEdit):
    project_id = forms.ChoiceField(label="Project")
    serializer = serializers.NetworkCreate
    event = ("network.create", "network")

    def prepare(self) -> None:
        self.fields["project_id"].choices = names.choices_of_projects()  # type: ignore[attr-defined]

    def serve(self, values: dict[str, Any]) -> Network:
        permissions.check_new_network(self.operator.context, values)
        return networks.create(context=self.operator.context, values=values)


targets.add_model("network", Network)


@admin.register(Network)
class NetworkAdmin(Page):
    list_display = ("shown_name", "status", "shared", "external", "mtu", "project", "created_at", "id")
    list_filter = (filters.text("status"), "shared", "external", "admin_state_up")
    search_fields = ("name", "id", "project_id")
    ordering = ("-created_at",)
    add_form, edit_form = NetworkAdd, NetworkEdit
    facts = ("id", "project_id", "status", "tags", "created_at", "updated_at")

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        projects = names.of_projects(project_ids=[row.project_id for row in rows])
        for row in rows:
            row.project_name = projects.get(row.project_id, row.project_id)

    def panels(self, request: HttpRequest, row: Network) -> list[panels.Panel]:
        subnets = [
            [
                {"text": str(subnet), "href": reverse("admin:networking_subnet_change", args=[subnet.pk])},
                subnet.cidr, subnet.gateway_ip or "none", "yes" if subnet.enable_dhcp else "no",
            ]
            for subnet in row.subnets.order_by("created_at", "id")[:100]
        ]  # fmt: skip
        table = panels.table("Subnets", ["name", "range", "gateway", "DHCP"], subnets)
        return [table, *super().panels(request, row)]

    @display(description="name", ordering="name")
    def shown_name(self, network: Network) -> SafeString:
        return cells.cut(network)

    @display(description="project", ordering="project_id")
    def project(self, network: Network) -> str:
        return str(getattr(network, "project_name", network.project_id))


def _delete(operator: Operator, network: Network, values: dict[str, Any]) -> str:
    networks.delete(network=network)
    return f"Deleted the network {network} and its subnets."


operations.add(
    "networking.network",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete, event="network.delete",
        event_type="network", rule="delete_network", target=permissions.owner_of,
        explains="Deletes the network and its subnets. It must have no ports. This cannot be undone.",
    ),
)  # fmt: skip
