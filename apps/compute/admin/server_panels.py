"""The panels of a server's page: state, timeline, allocation, ports, disks, console and audit events."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.common.admin import events, panels
from apps.common.exceptions import CloudError
from apps.compute.admin import findings
from apps.compute.models import Server
from apps.compute.selectors import servers as selectors
from apps.compute.services import console
from apps.compute.states import SUBJECT
from apps.identity.selectors import names
from apps.networking.selectors import bindings
from apps.scheduling.services import allocations
from apps.workflow.admin import timeline
from apps.workflow.selectors import runs as run_selectors

CONSOLE_LINES = 40
CONSOLE_SECONDS = 1.5


def of(request: HttpRequest, server: Server) -> list[panels.Panel]:
    """Return the panels of a server's page: a fixed number of queries, and one short call to its host's agent."""
    runs = list(run_selectors.of_subject(subject_type=SUBJECT, subject_id=server.id)[: timeline.RUNS])
    explained = next((run for run in runs if run.explanation), None)
    shown = [
        _state(server, explained=bool(runs) and timeline.explained(runs[0])),
        findings.of_server(server),
        _allocation(server),
        timeline.panel_of(runs),
        timeline.explanation_of(explained),
        _ports(server),
        _disks(server),
        _console(server),
        audit_events("server", server.id),
    ]
    return [panel for panel in shown if panel is not None]


def _state(server: Server, *, explained: bool) -> panels.Panel:
    """Return the server's current state. ``explained``: leave out fault details that the scheduler's table shows."""
    projects = names.of_projects(project_ids=[server.project_id])
    users = names.of_users(user_ids=[server.user_id])
    fault = f"{server.fault_code}: {server.fault_message}" if server.fault_message else ""
    details = "" if explained or server.fault_details == server.fault_message else server.fault_details
    kind = {"ACTIVE": "good", "ERROR": "bad", "BUILD": "busy"}.get(server.status, "idle")
    project = projects.get(server.project_id)
    pairs: list[tuple[str, Any]] = [
        ("status", {"text": server.status, "kind": kind}),
        ("task", server.task_state),
        ("fault", fault),
        ("for administrators", details),
        ("flavor", server.flavor.get("original_name", "")),
        ("project", _link("identity_project", server.project_id, project or server.project_id, there=bool(project))),
        ("user", _link("identity_user", server.user_id, users.get(server.user_id, server.user_id),
                       there=server.user_id in users)),
        ("image", _link("images_image", str(server.image_id), str(server.image_id), there=bool(server.image_id))),
        ("created", f"{server.created_at:%Y-%m-%d %H:%M:%S}"),
        ("launched", f"{server.launched_at:%Y-%m-%d %H:%M:%S}" if server.launched_at else ""),
        ("deleted", f"{server.deleted_at:%Y-%m-%d %H:%M:%S}" if server.deleted_at else ""),
        ("locked", (server.locked_reason or "yes") if server.locked else ""),
    ]  # fmt: skip
    return panels.pairs("Now", pairs)


def _link(page: str, key: str, text: str, *, there: bool = True) -> Any:
    return {"text": text, "href": reverse(f"admin:{page}_change", args=[key])} if there and key else text


def _allocation(server: Server) -> panels.Panel:
    claim = allocations.of_consumer(consumer_id=server.id)
    if claim is None:
        return panels.pairs("Allocation", [("host", server.host or "none")], note="No resources allocated.")
    pairs: list[tuple[str, Any]] = [
        ("host", _link("scheduling_host", str(claim.host_id), claim.host.name)),
        ("zone", claim.host.zone),
        ("agent", {"text": "up", "kind": "good"} if claim.host.is_up else {"text": "down", "kind": "bad"}),
        ("vCPUs", claim.vcpus),
        ("RAM", f"{claim.ram_mib} MiB"),
        ("disk", f"{claim.disk_gib} GiB"),
        ("since", f"{claim.created_at:%Y-%m-%d %H:%M:%S}"),
    ]
    note = "" if claim.host.name == server.host else f"The server's record names {server.host or 'no host'}."
    return panels.pairs("Allocation", pairs, note=note)


def _ports(server: Server) -> panels.Panel:
    rows = [
        [
            _link("networking_port", str(address.port_id), str(address.port_id)[:8]),
            address.network_name, address.ip, address.mac,
            {"text": address.port_status, "kind": "good" if address.port_status == "ACTIVE" else "idle"},
        ]
        for address in bindings.for_servers(server_ids=[server.id]).get(server.id, [])
    ]  # fmt: skip
    return panels.table("Ports", ["port", "network", "address", "MAC", "status"], rows)


def _disks(server: Server) -> panels.Panel:
    rows = [
        [
            device.device or "–", device.kind, f"{device.size} {'MiB' if device.kind == 'swap' else 'GiB'}",
            str(device.volume_id or ""), "yes" if device.delete_on_termination or not device.is_volume else "no",
        ]
        for device in selectors.block_devices(server_id=server.id)
    ]  # fmt: skip
    return panels.table("Disks", ["device", "kind", "size", "volume", "deleted with the server"], rows)


def _console(server: Server) -> panels.Panel | None:
    if server.deleted_at is not None or not server.host:
        return None
    try:
        text, note = console.output(server=server, lines=CONSOLE_LINES, timeout_seconds=CONSOLE_SECONDS), ""
    except CloudError as error:
        text, note = "", error.message
    values = {"text": text, "note": note or ("" if text.strip() else "No console output yet.")}
    return panels.Panel(title="Console", template="admin/panels/console.html", values=values, wide=True)


def audit_events(kind: str, key: object) -> panels.Panel:
    rows = [
        [
            f"{event.at:%Y-%m-%d %H:%M:%S}", event.action, event.user_name or event.user_id,
            {"text": event.outcome, "kind": "good" if event.outcome == "success" else "bad"}, event.address,
        ]
        for event in events.of_target(kind, key)
    ]  # fmt: skip
    return panels.table("Audit trail", ["at", "action", "by", "outcome", "from"], rows)
