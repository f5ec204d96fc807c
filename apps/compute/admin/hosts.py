"""What compute adds to a host's page: its servers, and taking it out of service as os-services does."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from apps.common import audit, policy
from apps.common.admin import Operation, Operator, operations, panels
from apps.common.exceptions import CloudError
from apps.compute import states
from apps.compute.selectors import server_counts
from apps.compute.selectors import servers as selectors
from apps.compute.services import power, services
from apps.scheduling.admin import health

RULE = "os_compute_api:os-services:update"
SHOWN = 100  # servers on a host's page
MOST = 500  # servers that are stopped by one word


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=255, required=False, help_text="Shown to whoever asks why.")


def _update(operator: Operator, host: Any, **changes: Any) -> None:
    with audit.action("service.update", "host", host.name):
        services.update(host=host.name, **changes)


def _enable(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    _update(operator, host, enabled=True)
    return f"{host.name} takes new servers again."


def _disable(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    _update(operator, host, enabled=False, reason=values["reason"] or None)
    return f"{host.name} takes no new servers; what runs there goes on."


def _drain(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    _update(operator, host, enabled=False, reason=values["reason"] or "drained")
    left = sum(count for _, count in server_counts.of_host(host=host.name))
    return f"{host.name} takes no new servers. Still there, and listed below: {left}."


def _stop_all(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    """Stop what runs on the host, one by one: what cannot be stopped now is counted, and keeps nothing from it."""
    rows = selectors.on_host(host=host.name).filter(vm_state=states.ACTIVE, task_state="").order_by("created_at")
    stopped, refused = 0, ""
    for server in rows[:MOST]:
        try:
            policy.check(operator.context, "os_compute_api:servers:stop", {"project_id": server.project_id})
            with audit.action("server.os-stop", "server", server.id):
                power.stop(context=operator.context, server=server)
            stopped += 1
        except CloudError as error:
            refused = error.message
    return f"Servers being stopped on {host.name}: {stopped}.{' The last refusal: ' + refused if refused else ''}"


def _force_down(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    if host.forced_down:
        return f"{host.name} is forced down already."
    _update(operator, host, forced_down=True)
    return f"{host.name} counts as down, whatever its agent says."


def _trust_agent(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    if not host.forced_down:
        return f"{host.name} is not forced down: it counts as what its heartbeat says already."
    _update(operator, host, forced_down=False)
    return f"{host.name} counts as what its heartbeat says: {'up' if health.is_heard(host) else 'down'} now."


def _explain_force(host: Any) -> str:
    now = (
        "Its agent was heard just now: the host seems to live. Make sure that the machine is off."
        if health.is_heard(host)
        else "Its agent is silent: the host counts as down already, until it is heard again."
    )
    return (
        f"The host is not forced down. {now} Forced down, it counts as down whatever its agent says: builds leave it, "
        "and deletes go on without it."
    )


def _explain_trust(host: Any) -> str:
    now = "is heard: the host is up at once" if health.is_heard(host) else "is silent: the host stays down until it is"
    return f"The host is forced down. From then on it counts as what its heartbeat says again. Its agent {now}."


def _delete(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    with audit.action("service.delete", "host", host.name):
        services.delete(host=host.name)
    return f"{host.name} is forgotten; an agent that starts there registers it anew."


def _servers(request: HttpRequest, host: Any) -> panels.Panel:
    """Return the servers on a host: newest first. 2 queries."""
    counts = dict(server_counts.of_host(host=host.name))
    rows = [
        [
            {"text": one.name, "href": reverse("admin:compute_server_change", args=[one.id])},
            {"text": one.status, "kind": "good" if one.vm_state == states.ACTIVE else "bad"
             if one.vm_state == states.ERROR else "idle"},
            one.task_state, one.flavor.get("original_name", ""), f"{one.created_at:%Y-%m-%d %H:%M}",
        ]
        for one in selectors.on_host(host=host.name).defer(*selectors.HEAVY).order_by("-created_at")[:SHOWN]
    ]  # fmt: skip
    total = sum(counts.values())
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    note = f"{total} in all: {told}." if total else ""
    if total and not host.enabled:
        note += (
            " To empty the host: stop them all, or each on its own page, and have their owners create them"
            " anew elsewhere. They cannot be moved while they run: there is no live migration yet."
        )
    head = ["server", "status", "task", "flavor", "created"]
    return panels.table("Servers here", head, rows, wide=True, note=note)


panels.add("scheduling.host", _servers, position=60)
operations.add(
    "scheduling.host",
    Operation(
        name="enable", title="Enable", icon="check_circle", run=_enable, rule=RULE,
        offered=lambda host: not host.enabled, explains="The scheduler may choose this host again.",
    ),
    Operation(
        name="disable", title="Disable", icon="block", danger=True, run=_disable, rule=RULE, form=ReasonForm,
        offered=lambda host: host.enabled,
        explains="The scheduler chooses this host no more. Servers there go on running and obey their owners.",
    ),
    Operation(
        name="drain", title="Drain", icon="output", danger=True, run=_drain, rule=RULE, form=ReasonForm,
        offered=lambda host: host.enabled,
        explains="Disables the host and lists what is still on it. 'Stop its servers', offered then, stops them all; "
        "there is no live migration yet: nothing is moved.",
    ),
    Operation(
        name="stop-servers", title="Stop its servers", icon="stop", danger=True, run=_stop_all, rule=RULE,
        offered=lambda host: not host.enabled,
        explains="Every running server on this host is shut down, as its owner would do it. Its owner may start it "
        "again, on this host: it is not moved.",
    ),
    Operation(
        name="force-down", title="Force down", icon="power_off", danger=True, run=_force_down, rule=RULE,
        offered=lambda host: not host.forced_down, explains=_explain_force,
    ),
    Operation(
        name="trust-agent", title="No longer forced down", icon="power", run=_trust_agent, rule=RULE,
        offered=lambda host: bool(host.forced_down), explains=_explain_trust,
    ),
    Operation(
        name="delete", title="Forget", icon="delete", danger=True, run=_delete,
        rule="os_compute_api:os-services:delete", offered=lambda host: not host.is_up,
        explains="Removes a host whose agent is gone for good and that has no servers.",
    ),
)  # fmt: skip
