"""The last lines of a story: its meaning, and advice. Pure: uses the gathered facts only."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from apps.compute import states
from apps.operations.explain import format, queues
from apps.operations.explain.collect import ServerStory, Story
from apps.workflow import catalogue
from apps.workflow import states as workflow

if TYPE_CHECKING:
    from apps.workflow.models import Run

# What becomes of a run whose host is down, by the pipeline's word for it.
HOST_DOWN = {
    "elsewhere": "the sweeper moves the {noun} to another host",
    "rows_only": "the run continues without the host",
    "wait": "the run waits for the host",
    "fail": "the run fails",
}
# Error causes (the engine's, the drivers', a refusal's kind) -> advice for operators.
ADVICE = {
    "NoValidHost": ("Add capacity, or ask the user to request less. The table shows what is missing."),
    "HostDown": "Check that host: its agent or the machine stopped.",
    "HostUnreachable": "Start the agent of that host.",
    "StepTimeout": "The step hung. Check the host's log for that time; the hypervisor or its storage may hang.",
    "Timeout": "The run took too long. The slowest step above shows where.",
    "image_corrupt": "The image's data does not match its checksum. Upload it again.",
    "image_unsafe": "The image refers to other files. Do not use it.",
    "image_unavailable": "The host could not download the image. Check the API and the host's connection to it.",
    "not_enough_space": "The host's disk is full. Free space there.",
    "disk_too_small": "The flavor's disk is smaller than the image. Use a larger flavor.",
    "hypervisor_unavailable": "libvirt does not answer on that host. Check libvirtd there.",
    "storage_host_down": "Bring the host that has the volume back: its data is nowhere else.",
    "storage_host_silent": "Check the agent of the host that has the volume, and CELERITY_AGENT_LISTEN there.",
    "QuotaExceeded": "Raise the project's quota, or ask the user to delete something.",
    "NoMoreFixedIps": "The subnet has no free address. Enlarge it or release addresses.",
}
NOBODY = "no worker reads this queue"


def of_story(story: Story) -> list[str]:
    """Return a few sentences for the operator: the situation and what to do."""
    return [*_state(story), *_findings(story), *(_left_behind(story) if isinstance(story, ServerStory) else ())]


def _state(story: Story) -> Iterator[str]:
    if story.active is not None:
        yield from _under_way(story, story.active)
    elif isinstance(story, ServerStory):
        yield from _server_state(story)
    elif story.last is not None and story.last.state == workflow.FAILED:
        yield _last_failure(story.last)
    else:
        yield f"Done: no run of the {story.kind} is active" + ("." if story.exists else ", and it is deleted.")


def _last_failure(run: "Run") -> str:
    return f"Its last action ({run.action}) failed: {run.error_message} {_advice(run.error_cause)}".rstrip()


def _server_state(story: ServerStory) -> Iterator[str]:
    server = story.server
    if server.deleted_at is not None:
        last = story.last
        who = f" by {story.name_of(last.user_id)}" if last is not None and last.user_id else ""
        yield f"Done: the server was deleted{who} at {format.moment(server.deleted_at)}."
    elif server.vm_state == states.ERROR:
        yield from _failed(story)
    elif server.vm_state == states.BUILDING or server.task_state:
        yield (
            f"Lost: the server is {server.task_state or server.vm_state}, but no run is active, so this will not "
            "change. Reset its state or delete it, and report this as a bug."
        )
    else:
        yield from _idle(story)


def _idle(story: ServerStory) -> Iterator[str]:
    server, last = story.server, story.last
    place = f" on {server.host}" if server.host else ""
    yield f"Done: the server is {server.vm_state}{place}; no run is active."
    if story.host is not None and not story.host.is_up:
        silent = format.between(story.host.heartbeat_at, story.now)
        yield f"But {server.host} has not reported for {silent}, so this may be outdated. Check that host."
    if last is not None and last.state == workflow.FAILED:
        yield _last_failure(last)


def _failed(story: ServerStory) -> Iterator[str]:
    server = story.server
    failed = next((run for run in reversed(story.runs) if run.state == workflow.FAILED), None)
    yield f"Failed: {server.fault_message or 'no reason was recorded.'}"
    if failed is not None:
        cause, attempts = failed.error_cause or "unknown", format.plural(failed.attempt, "attempt")
        yield f"Cause: {cause}, after {attempts}. {_advice(failed.error_cause)}".rstrip()
    if failed is not None and catalogue.find(failed.pipeline).releases:
        yield "It keeps its resources. Remove the cause; then the user can delete it again."
    elif server.host or story.ports or story.allocation is not None:
        yield "It keeps the resources listed under Holds. Remove the cause; then the user can delete it."
    else:
        yield "The server keeps its quota only. Remove the cause; then the user can delete it and create a new one."


def _advice(cause: str) -> str:
    return ADVICE.get(cause, "")


def _under_way(story: Story, run: "Run") -> Iterator[str]:
    if run.leader_id is not None:
        yield f"In use: the run {run.leader_id} ({run.action} of another subject) also works on this {story.kind}."
        return
    entry = catalogue.find(run.pipeline)
    if run.state == workflow.REVERTING:
        after = "another attempt follows" if run.retrying else entry.when_failed or "the run ends as failed"
        yield f"Undoing {run.action} because: {run.error_message} When that is done {after}."
    if run.not_before is not None and run.not_before > story.now:
        yield f"Waiting for a retry: the step {run.next_step} starts again at {format.moment(run.not_before)}."
    elif run.step_state == workflow.STEP_RUNNING:
        yield from _working(story, run)
    else:
        yield from _waiting(story, run)
    left = run.deadline_at - story.now
    if run.state != workflow.REVERTING:
        word = f"in {format.span(left)}" if left > timedelta(0) else "now"
        setting = "" if entry.deadline_seconds else " (CELERITY_INSTANCE_BUILD_TIMEOUT)"
        yield f"Its deadline ends {word}{setting}."


def _working(story: Story, run: "Run") -> Iterator[str]:
    place = story.queue
    where = f" on {run.host}" if run.host else ""
    since = format.between(run.step_started_at, story.now)
    if place is not None and place.holder is None:
        yield (
            f"The worker of the step {run.next_step}{where} died {since} after the step began (its lock is free). "
            f"The sweeper resends the step within {settings.SWEEP_INTERVAL + 1:.0f} s; otherwise beat or all workers "
            "of the queue periodic are down."
        )
        return
    yield f"Working: the step {run.next_step} has been running{where} for {since}; its worker is alive."
    if run.step_deadline_at:
        yield f"The step is stopped at {format.moment(run.step_deadline_at)} if it has not ended."


def _waiting(story: Story, run: "Run") -> Iterator[str]:
    place = story.queue
    waited = format.between(run.since, story.now)
    ahead = f"{format.plural(place.ahead, 'run')} before it" if place and place.ahead else "first in line"
    yield f"Waiting: the step {run.next_step} has waited {waited} in the queue {run.queue}, {ahead}."
    if run.waiting_since:
        yield f"Its message was lost and resent at {format.moment(run.enqueued_at)}."
    if place is None:
        return
    if place.messages is None:
        yield "The broker does not answer. Nothing is sent until it does; check CELERITY_BROKER_URL."
        return
    if place.holder is not None:
        yield (
            f"Another step still works on this {story.kind} (for example a cancelled one). This run continues after it."
        )
    yield from _reader(story, run)


def _reader(story: Story, run: "Run") -> Iterator[str]:
    """Say whether a worker reads the queue: of a host's its agent, whose heartbeat tells more than an answer."""
    position, host = story.queue, story.step_host
    if position is None:
        return
    if queues.is_of_host(run) and (host is None or not host.is_up):
        yield _silent(story, run)
    elif position.readers == []:
        who = f"the agent of {run.host}" if queues.is_of_host(run) else "a scheduler worker"
        yield f"Also, {NOBODY}. Start {who}."
    elif position.readers or queues.is_long(run):
        served = format.between(position.served_until, story.now) if position.served_until else "a day or more"
        who = ", ".join(position.readers or (f"the agent of {run.host}",))
        yield (
            f"The queue's worker is alive ({who}); its newest message was sent {served} ago. "
            "This step starts after the steps before it."
        )


def _silent(story: Story, run: "Run") -> str:
    """Say since when the agent of the step's host is silent, and what follows."""
    host, entry = story.step_host, catalogue.find(run.pipeline)
    word = "rows_only" if run.next_step == workflow.REVERT else entry.when_down(run.next_step)
    then = HOST_DOWN[word].format(noun=entry.noun)
    if host is None:
        return f"There is no host {run.host} any more, and no worker reads its queue: {then}."
    silent = format.between(host.heartbeat_at, story.now)
    return f"The agent of {host.name} has not reported for {silent}. Start it; otherwise {then}."


def _findings(story: Story) -> Iterator[str]:
    """Findings of reconcilers: what remains, and what was repaired since the last run."""
    for finding in story.findings:
        place = f" on {finding.host}" if finding.host else ""
        if finding.resolved_at is not None:
            at = format.moment(finding.resolved_at)
            yield f"At {at} a reconciler repaired{place}: {finding.found}: {finding.done}."
            continue
        seen = f"{format.moment(finding.first_seen_at)} and {format.plural(finding.times, 'look')}"
        action = finding.done or "none possible"
        yield f"A reconciler found{place}, since {seen}: {finding.found}. Action taken: {action}."


def _left_behind(story: ServerStory) -> Iterator[str]:
    """Resources that an ended server should not have."""
    if story.active is not None:
        return
    server = story.server
    held = []
    if story.allocation is not None and (server.deleted_at or not server.host):
        held.append(f"capacity of {story.allocation.host.name}")
    if story.ports and server.deleted_at:
        held.append(format.plural(len(story.ports), "port"))
    if story.reserved:
        held.append("a quota reservation")
    if held:
        yield f"It still has {', '.join(held)}, which it should not. Run celerity consistency."
