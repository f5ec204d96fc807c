"""Compute's part of a host's page: its servers, and taking it out of service as os-services does."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from apps.common import audit, policy
from apps.common.admin import Operation, Operator, operations, panels
from apps.common.exceptions import CloudError
from apps.compute import states
from apps.compute.actions import EVACUATE, STOP
from apps.compute.selectors import drains, evacuations, server_counts
from apps.compute.selectors import servers as selectors
from apps.compute.services import server_actions, services
from apps.scheduling.admin import health
from apps.scheduling.services import hosts as host_services

RULE = "os_compute_api:os-services:update"
SHOWN = 100  # servers on a host's page
STAYING = " No server is on its way: these stay, for the reasons below."
MOST = 500  # servers that one click stops


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=255, required=False, help_text="Shown in host lists.")


def _update(operator: Operator, host: Any, **changes: Any) -> None:
    with audit.action("service.update", "host", host.name):
        services.update(host=host.name, **changes)


def _enable(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    _update(operator, host, enabled=True)
    return f"{host.name} is enabled and accepts new servers."


def _disable(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    _update(operator, host, enabled=False, reason=values["reason"] or None)
    return f"{host.name} is disabled. Its running servers are not affected."


def _drain(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    with audit.action("service.drain", "host", host.name):
        host_services.drain(name=host.name, reason=values["reason"] or "drained")
    left = sum(count for _, count in server_counts.of_host(host=host.name))
    return f"{host.name} is disabled, and its servers are moved to other hosts: {left}. They are listed below."


def _stop_all(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    """Stop the host's servers one by one; a refusal does not keep the others from being stopped."""
    rows = selectors.on_host(host=host.name).filter(vm_state=states.ACTIVE, task_state="").order_by("created_at")
    stopped, refused = 0, ""
    for server in rows[:MOST]:
        try:
            policy.check(operator.context, STOP.policy, {"project_id": server.project_id})
            with audit.action(STOP.event, "server", server.id):
                server_actions.perform(context=operator.context, server=server, action=STOP)
            stopped += 1
        except CloudError as error:
            refused = error.message
    return f"Servers being stopped on {host.name}: {stopped}.{' Last refusal: ' + refused if refused else ''}"


def _force_down(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    if host.forced_down:
        return f"{host.name} is already forced down."
    _update(operator, host, forced_down=True)
    return f"{host.name} is forced down, whatever its agent reports."


def _evacuate(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    with audit.action("service.evacuate", "host", host.name):
        host_services.evacuate(name=host.name)
    left = sum(count for _, count in server_counts.of_host(host=host.name))
    return f"Servers of {host.name} being made again on other hosts: {left}. They are listed below."


def _trust_agent(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    if not host.forced_down:
        return f"{host.name} is not forced down; its heartbeat already decides its state."
    _update(operator, host, forced_down=False)
    return f"{host.name} is no longer forced down. By its heartbeat it is {'up' if health.is_heard(host) else 'down'}."


def _explain_force(host: Any) -> str:
    now = (
        "Its agent sent a heartbeat just now, so the host seems to be running. Make sure that the machine is off."
        if health.is_heard(host)
        else "Its agent is silent, so the host already counts as down until the agent reports again."
    )
    return (
        f"Treats the host as down whatever its agent reports. {now} Builds move to other hosts, and servers here can "
        "be deleted without the host. If the machine still runs, their guests keep running unseen."
    )


def _explain_trust(host: Any) -> str:
    now = (
        "Its agent is reporting, so the host will be up at once."
        if health.is_heard(host)
        else "Its agent is silent, so the host stays down until the agent reports."
    )
    return f"Lets the heartbeat decide again whether the host is up. {now}"


def _delete(operator: Operator, host: Any, values: dict[str, Any]) -> str:
    with audit.action("service.delete", "host", host.name):
        services.delete(host=host.name)
    return f"Removed {host.name}. If an agent starts there, it registers the host again."


def _reasons(host: Any) -> dict[Any, str]:
    """Return why servers are still on a host that is drained or evacuated."""
    if host.evacuating_since:
        return evacuations.reasons_of(host)
    return drains.reasons(host=host.name, since=host.draining_since) if host.draining_since else {}


def _servers(request: HttpRequest, host: Any) -> panels.Panel:
    """Return the servers on a host: newest first. 2 queries."""
    counts = dict(server_counts.of_host(host=host.name))
    leaving = "evacuation" if host.evacuating_since else "drain" if host.draining_since else ""
    why = _reasons(host)
    is_going = any(reason in ("", drains.MOVING, evacuations.MAKING) for reason in why.values())
    rows = [
        [
            {"text": server.name, "href": reverse("admin:compute_server_change", args=[server.id])},
            {"text": server.status, "kind": "good" if server.vm_state == states.ACTIVE else "bad"
             if server.vm_state == states.ERROR else "idle"},
            *([why.get(server.id) or "is next"] if leaving else []),
            server.task_state, server.flavor.get("original_name", ""), f"{server.created_at:%Y-%m-%d %H:%M}",
        ]
        for server in selectors.on_host(host=host.name).defer(*selectors.HEAVY).order_by("-created_at")[:SHOWN]
    ]  # fmt: skip
    total = sum(counts.values())
    summary = ", ".join(f"{count} {state}" for state, count in counts.items())
    note = f"{total} in total: {summary}." if total else ""
    if total and host.evacuating_since and host.evacuates_all:
        note += " Servers are being made again on other hosts." if is_going else STAYING
    elif total and host.evacuating_since:
        note += (
            " Those that restart elsewhere by themselves are made again on other hosts; 'Evacuate' does it with all."
        )
    elif total and not host.enabled:
        moved = " Servers are being moved to other hosts." if is_going else STAYING
        note += moved if host.draining_since else " 'Drain' moves them to others."
    head = ["server", "status", *([leaving] if leaving else []), "task", "flavor", "created"]
    return panels.table("Servers on this host", head, rows, wide=True, note=note, empty="No servers on this host.")


panels.add("scheduling.host", _servers, position=60)
operations.add(
    "scheduling.host",
    Operation(
        name="enable", title="Enable", icon="check_circle", run=_enable, rule=RULE,
        offered=lambda host: not host.enabled, explains="Lets the scheduler place new servers here again.",
    ),
    Operation(
        name="disable", title="Disable", icon="block", run=_disable, rule=RULE, form=ReasonForm,
        offered=lambda host: host.enabled,
        explains="No new servers will be placed here. Existing servers keep running and stay under their owners' "
        "control.",
    ),
    Operation(
        name="drain", title="Drain", icon="output", run=_drain, rule=RULE, form=ReasonForm,
        offered=lambda host: host.is_up,
        explains="Disables the host and moves its servers to others, a few at a time: running and paused ones while "
        "they run, stopped ones while they are off. The list below shows the servers left, and why. 'Enable' ends it.",
    ),
    Operation(
        name="stop-servers", title="Stop all servers", icon="stop", tone=operations.AMBER, run=_stop_all, rule=RULE,
        offered=lambda host: not host.enabled, confirm=lambda host: f"Stop all servers on {host.name}",
        explains="Shuts down every running server on this host, as its owner would. Servers are not moved; their "
        "owners can start them again on this host.",
    ),
    Operation(
        name="force-down", title="Force down", icon="power_off", tone=operations.RED, typed=True, run=_force_down,
        rule=RULE, offered=lambda host: not host.forced_down, explains=_explain_force,
        confirm=lambda host: f"Force {host.name} down", keep=lambda host: f"Keep {host.name} as it is",
    ),
    Operation(
        name="evacuate", title="Evacuate", icon="emergency", tone=operations.RED, run=_evacuate,
        rule=EVACUATE.policy, offered=lambda host: bool(host.forced_down),
        confirm=lambda host: f"Make the servers of {host.name} again on other hosts",
        explains="Makes the servers of this dead host again on other hosts, those of the highest priority first. "
        "Volumes, and disks in a pool of all hosts, keep their data; other disks are made again from the image: their "
        "data is lost. The machine must be off: else the servers run twice. “celerity evacuate --plan” shows where "
        "they would go.",
    ),
    Operation(
        name="trust-agent", title="Clear “forced down”", icon="power", run=_trust_agent, rule=RULE,
        confirm=lambda host: f"Clear “forced down” on {host.name}",
        offered=lambda host: bool(host.forced_down), explains=_explain_trust,
    ),
    Operation(
        name="delete", title="Remove", icon="delete", tone=operations.AMBER, run=_delete,
        rule="os_compute_api:os-services:delete", offered=lambda host: not host.is_up,
        explains="Removes the host from the cloud. It must have no servers. If its agent starts again, the host "
        "registers itself again.",
    ),
)  # fmt: skip
