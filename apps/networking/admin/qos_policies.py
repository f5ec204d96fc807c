"""QoS policies with their rules, and what has them: read-only; their owners change them."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.common.admin import Page, panels
from apps.networking import states
from apps.networking.models import QosPolicy, QosRule

SHOWN = 200


@admin.register(QosPolicy)
class QosPolicyAdmin(Page):
    list_display = ("name", "rule_count", "is_default", "shared", "project_id", "created_at", "id")
    list_filter = ("shared", "is_default")
    search_fields = ("name", "id", "project_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QosPolicy]:
        return super().get_queryset(request).annotate(number_of_rules=Count("rules"))

    def panels(self, request: HttpRequest, row: QosPolicy) -> list[panels.Panel]:
        rules = [[rule.kind, rule.direction, _says(rule)] for rule in row.rules.order_by("kind", "direction")]
        users = [
            [kind, {"text": str(item), "href": reverse(f"admin:networking_{model}_change", args=[item.pk])}]
            for kind, model, rows in (
                ("network", "network", row.networks),
                ("port", "port", row.ports),
                ("router's gateway", "router", row.routers),
                ("floating IP", "floatingip", row.floating_ips),
            )
            for item in rows.order_by("id")[:SHOWN]
        ]
        return [
            panels.table("Rules", ["type", "direction", "value"], rules),
            panels.table("Holds for", ["what", "which"], users),
            *super().panels(request, row),
        ]

    @display(description="rules", ordering="number_of_rules")
    def rule_count(self, policy: QosPolicy) -> int:
        return policy.number_of_rules  # type: ignore[attr-defined]


def _says(rule: QosRule) -> str:
    if rule.kind == states.DSCP_MARKING:
        return f"mark {rule.dscp_mark}"
    burst = f"{rule.max_burst_kbps} kbit" if rule.max_burst_kbps else "the usual"
    return f"{rule.max_kbps} kbit/s, burst {burst}"
