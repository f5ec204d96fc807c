"""A story as text of at most 100 columns."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from apps.common import audit
from apps.compute.states import POWER_STATES
from apps.operations.explain import choices, diagnosis, format
from apps.operations.explain.collect import ServerStory, Story

if TYPE_CHECKING:
    from apps.compute.models import BlockDevice
    from apps.workflow.models import Run

WIDTH = 100
LABEL = 12
_POWER = {number: name for name, number in POWER_STATES.items()}


def render(story: Story, *, colours: bool = False) -> str:
    """Return the whole page."""
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False, force_terminal=colours, no_color=not colours)
    with console.capture() as captured:
        _write(story, console)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _write(story: Story, console: Console) -> None:
    console.rule(Text(_title(story), style="bold"), align="left", characters="=")
    if isinstance(story, ServerStory):
        facts = (("Who", _who(story)), ("What", _what(story)), ("Now", _now(story)), ("Holds", _holds(story)))
        for title, lines in facts:
            _section(console, title, lines)
    for title, texts in story.sections:
        _section(console, title, iter(texts))
    for run in story.runs:
        _run(console, story, run)
    if story.events:
        console.rule("Audit events", align="left", characters="-")
        for event in story.events:
            who = event.user_name or event.user_id or "the cloud itself"
            outcome = "" if event.outcome == audit.SUCCESS else f"{event.outcome}  "
            line = (
                f"{format.moment(event.at)[:-4]}  {event.action}  {outcome}{who}  {event.address}  {event.request_id}"
            )
            console.print(Text(line))
    console.rule(Text("What this means", style="bold"), align="left", characters="-")
    for sentence in diagnosis.of_story(story):
        console.print(Text(sentence))


def _title(story: Story) -> str:
    if isinstance(story, ServerStory):
        return f"{story.label}  {story.id}  {story.server.status}"
    parts = (story.kind, story.label, str(story.id), "" if story.exists else "deleted")
    return "  ".join(part for part in parts if part)


def _section(console: Console, title: str, facts: Iterator[str]) -> None:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=LABEL, style="bold")
    grid.add_column(overflow="fold")
    for number, fact in enumerate(facts):
        grid.add_row(title if number == 0 else "", Text(fact))
    console.print(grid)


def _who(story: ServerStory) -> Iterator[str]:
    server = story.server
    user, project = story.name_of(server.user_id), story.name_of(server.project_id)
    yield f"{user} of the project {project} asked at {format.moment(server.created_at)}"
    first = next((run for run in story.runs if run.action == "create"), None)
    request = first.request_id if first else "request unknown"
    yield f"{request}, user {server.user_id}, project {server.project_id}"


def _what(story: ServerStory) -> Iterator[str]:
    server, flavor = story.server, story.server.flavor
    yield (
        f"flavor {flavor.get('original_name')}: {flavor.get('vcpus')} vCPU, {flavor.get('ram')} MiB RAM, "
        f"{flavor.get('disk')} GiB disk, {flavor.get('ephemeral')} GiB ephemeral, {flavor.get('swap')} MiB swap"
    )
    yield f"image {story.name_of(server.image_id) if server.image_id else '-'} ({server.image_id or 'none'})"
    wanted = server.requested_networks
    names = [
        story.name_of(network["network_id"]) + (f" {network['fixed_ip']}" if network["fixed_ip"] else "")
        for network in wanted or []
    ]
    yield f"networks {', '.join(names) or 'none'}; key {server.key_name or '-'}; disks {_disks(story)}"
    asked = {"zone": server.requested_zone, "host": server.requested_host, "extra specs": flavor.get("extra_specs")}
    asked |= {"hints": server.scheduler_hints}
    if server.group:
        asked["group"] = f"{server.group.name} ({server.group.policy})"
    hints = [f"{name} {value if isinstance(value, str) else _json(value)}" for name, value in asked.items() if value]
    if hints:
        yield "asked for " + "; ".join(hints)


def _disks(story: ServerStory) -> str:
    return ", ".join(map(_disk, story.devices)) or "-"


def _disk(device: "BlockDevice") -> str:
    text = f"{device.device or '?'} {device.kind} {device.size}"
    if not device.is_volume:
        return text
    return f"{text} ({device.volume_id or 'given back'}{'' if device.is_attached else ', not attached'})"


def _now(story: ServerStory) -> Iterator[str]:
    server = story.server
    power = _POWER.get(server.power_state, "?")
    yield f"vm_state {server.vm_state}, task_state {server.task_state or '-'}, power {power}, host {server.host or '-'}"
    yield f"changed {format.between(server.updated_at, story.now)} ago; launched {format.moment(server.launched_at)}"
    if server.deleted_at:
        yield f"deleted {format.moment(server.deleted_at)}"
    if server.locked:
        yield f"locked: {server.locked_reason or 'no reason given'}"
    if story.host is not None:
        host = story.host
        state = "up" if host.is_up else "DOWN"
        reason = "" if host.enabled else f", disabled: {host.disabled_reason or 'no reason given'}"
        yield f"host {host.name} is {state}{reason}, last heard {format.between(host.heartbeat_at, story.now)} ago"
    if server.fault_message:
        yield f"fault {server.fault_code} at {format.moment(server.fault_at)}: {server.fault_message}"
        if server.fault_details and server.fault_details != server.fault_message:
            yield f"details: {server.fault_details[:1000]}"


def _holds(story: ServerStory) -> Iterator[str]:
    allocation = story.allocation
    if allocation is None:
        yield "no allocation"
    else:
        size = f"{allocation.vcpus} vCPU, {allocation.ram_mib} MiB, {allocation.disk_gib} GiB"
        yield f"allocation on {allocation.host.name}: {size}"
    if story.reserved:
        yield "quota reserved: " + ", ".join(f"{name} {amount}" for name, amount in sorted(story.reserved.items()))
    elif story.server.deleted_at is None:
        yield "quota: counted as in use"
    for port in story.ports:
        addresses = " ".join(ip for _, ip in port.fixed_ips) or "no address"
        bound = f"bound to {port.host}" if port.host else "not bound"
        yield f"port in {port.network.name}: {addresses} {port.mac} {bound} {port.status} {port.id}"


def _run(console: Console, story: Story, run: "Run") -> None:
    steps = story.steps[run.id]
    took = format.between(run.created_at, run.finished_at or story.now)
    console.rule(
        Text(f"{run.action} ({run.pipeline}): {run.state}, {format.plural(run.attempt, 'attempt')}, {took}"),
        align="left",
        characters="-",
    )
    by = story.name_of(run.user_id) if run.user_id else "the cloud itself"
    console.print(Text(f"{format.moment(run.created_at)[:-4]}  {run.request_id}  by {by}  run {str(run.id)[:8]}"))
    if steps:
        console.print(Padding(_steps(story, steps), (0, 0, 0, 1)))
    if isinstance(story, ServerStory) and run.id in story.pauses:
        console.print(Text(f"  The guest was paused for {story.pauses[run.id]} ms."))
    for step in steps:
        if step.error_message:
            console.print(Text(f"  {step.name}, attempt {step.attempt}: {step.error_message}"))
            if step.error_details and step.error_details != step.error_message:
                console.print(Text(f"    {step.error_details[:1000]}", style="dim"))
    if run.error_message and not any(step.error_message for step in steps):
        console.print(Text(f"  {run.error_message}"))
    if run.excluded_hosts:
        console.print(Text(f"  hosts that failed it: {', '.join(run.excluded_hosts)}"))
    if run.explanation:
        console.print(Text(f"  Scheduling, last attempt: {choices.checked_hosts(run.explanation)}"))
        said = "\n".join((run.error_message, *(step.error_message for step in steps)))
        choices.show(console, run.explanation, said=said)


def _steps(story: Story, steps: list[Any]) -> Table:
    rows = [
        (
            format.clock(step.started_at),
            step.name,
            str(step.attempt),
            step.host or "-",
            format.between(step.since, step.started_at),
            format.between(step.started_at, step.finished_at or story.now),
            step.result or "running",
        )
        for step in steps
    ]
    names = ("began", "step", "try", "host", "waited", "worked", "result")
    return choices.table(names, rows, left=("step", "host", "result"))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
