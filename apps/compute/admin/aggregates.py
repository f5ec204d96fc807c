"""The forms of aggregates, checked as os-aggregates checks them."""

from typing import Any

from django import forms

from apps.common import policy
from apps.common.admin import Operation, Operator, ServiceForm, operations
from apps.common.admin.forms import Lines, Pairs
from apps.compute.api.serializers import aggregates as serializers
from apps.scheduling.admin.aggregates import AggregateAdmin
from apps.scheduling.services import aggregates

RULE = "os_compute_api:os-aggregates:{}"
ZONE = "availability_zone"


class AggregateAdd(ServiceForm):
    name = forms.CharField(max_length=255)
    availability_zone = forms.CharField(max_length=255, required=False)

    serializer = serializers.AggregateCreate

    def serve(self, values: dict[str, Any]) -> Any:
        policy.check(self.operator.context, RULE.format("create"))
        return aggregates.create(**values)


class AggregateEdit(AggregateAdd):
    metadata = Pairs(help_text="key=value, one per line. Enter the zone in its own field.")
    hosts = Lines(help_text="Names of hosts, one per line.")

    def shown(self, row: Any) -> dict[str, Any]:
        metadata = {key: value for key, value in row.metadata.items() if key != ZONE}
        hosts = list(row.hosts.order_by("name").values_list("name", flat=True))
        return {ZONE: row.availability_zone or "", "metadata": metadata, "hosts": hosts}

    def document(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], ZONE: self.cleaned_data[ZONE] or None}

    def serve(self, values: dict[str, Any]) -> Any:
        """Change what differs, each under its own rule. Raises what the services raise; then nothing is changed."""
        key, context = self.instance.pk, self.operator.context
        policy.check(context, RULE.format("update"))
        before = {"name": self.initial["name"], ZONE: self.initial[ZONE] or None}
        changed = {name: value for name, value in values.items() if value != before[name]}
        self._hosts(key, gone_only=True)
        if changed.get(ZONE, "") is None:
            aggregates.set_metadata(aggregate_id=key, metadata={ZONE: None})
            changed.pop(ZONE)
        if changed:
            aggregates.update(aggregate_id=key, **changed)
        self._metadata(key)
        self._hosts(key)
        return type(self.instance).objects.get(pk=key)

    def _metadata(self, key: int) -> None:
        had, wanted = self.initial["metadata"], self.cleaned_data["metadata"]
        changed = {name: value for name, value in wanted.items() if had.get(name) != value and name != ZONE}
        changed |= {name: None for name in had if name not in wanted}
        if changed:
            policy.check(self.operator.context, RULE.format("set_metadata"))
            parsed = serializers.AggregateMetadata(data={"metadata": changed})
            parsed.is_valid(raise_exception=True)
            aggregates.set_metadata(aggregate_id=key, metadata=parsed.validated_data["metadata"])

    def _hosts(self, key: int, *, gone_only: bool = False) -> None:
        had, wanted = set(self.initial["hosts"]), set(self.cleaned_data["hosts"])
        for host in sorted(had - wanted) if gone_only else []:
            policy.check(self.operator.context, RULE.format("remove_host"))
            aggregates.remove_host(aggregate_id=key, host=host)
        for host in [] if gone_only else sorted(wanted - had):
            policy.check(self.operator.context, RULE.format("add_host"))
            parsed = serializers.AggregateHost(data={"host": host})
            parsed.is_valid(raise_exception=True)
            aggregates.add_host(aggregate_id=key, host=host)


AggregateAdmin.add_form, AggregateAdmin.edit_form = AggregateAdd, AggregateEdit


def _delete(operator: Operator, aggregate: Any, values: dict[str, Any]) -> str:
    aggregates.delete(aggregate_id=aggregate.pk)
    return f"Deleted the aggregate {aggregate.name}."


operations.add(
    "scheduling.aggregate",
    Operation(
        name="delete", title="Delete", icon="delete", tone=operations.RED, run=_delete, rule=RULE.format("delete"),
        explains="Deletes the aggregate. It must have no hosts.",
    ),
)  # fmt: skip
