"""The sweeper: resends every run that has neither a worker nor a message.

Rules, per active run (see docs/engine.md):
  past its overall deadline                        -> revert without another attempt
  step running, lock free                          -> its worker died: resend
  step running, past its deadline                  -> revoke the lock, revert by family; behind the pivot: resend
  step queued, host down                           -> as its pipeline says (on_host_down); a revert: rows only
  step queued, host declared dead                  -> the same, but that none waits (on_host_dead)
  any step, a host that a later one needs is down  -> reverts now if its pipeline says elsewhere or fail
  revert or delete queued, its host serves nothing -> rows only (all its threads hang, say); recovery does the rest
  step queued behind another run's hanging step    -> revoke the lock: that run was cancelled
  step queued, its message lost                    -> resend
A long queue does not mean a lost message, and a message that a live worker holds is not sent again.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.utils import timezone

from apps.common.broker import Broker
from apps.scheduling.selectors import hosts
from apps.workflow import catalogue, locks, states
from apps.workflow.catalogue import OnHostDown
from apps.workflow.selectors import runs as selectors
from apps.workflow.services import claims, runs, tallies
from workers import listening, routing

if TYPE_CHECKING:
    from apps.workflow.models import Run

log = structlog.get_logger("celerity.sweeper")
OVERTAKEN_MARGIN_SECONDS = 2.0
BATCH = 5000


@dataclass(slots=True)
class Sweep:
    """One sweep's view and its actions."""

    broker: Broker
    now: datetime
    locks: dict[int, int]
    epoch: datetime | None
    counts: dict[str, int] = field(default_factory=dict)
    up: dict[str, bool] = field(default_factory=dict)
    dead: dict[str, bool] = field(default_factory=dict)
    served: dict[str, datetime | None] = field(default_factory=dict)

    def did(self, what: str, run: "Run") -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        log.info("swept", what=what, run=str(run.id), pipeline=run.pipeline, step=run.next_step, host=run.host)

    def overtaken(self, run: "Run") -> bool:
        """Whether a message that was sent to the same queue later has been served: one query per queue and sweep."""
        if run.queue not in self.served:
            self.served[run.queue] = selectors.served_until(queue=run.queue, margin_seconds=OVERTAKEN_MARGIN_SECONDS)
        newest = self.served[run.queue]
        return newest is not None and newest > run.enqueued_at + timedelta(seconds=OVERTAKEN_MARGIN_SECONDS)

    def is_up(self, host: str) -> bool:
        """Whether a host is heard, or could not be heard yet: after a power cut, sweeps come before heartbeats."""
        if host not in self.up:
            self.up[host] = host in hosts.names_up(names=[host]) or (listening.is_new() and not self.is_dead(host))
        return self.up[host]

    def is_dead(self, host: str) -> bool:
        """Whether an operator has declared a host dead: no run waits for it."""
        if host not in self.dead:
            self.dead[host] = hosts.is_dead(name=host)
        return self.dead[host]

    def is_gone(self, run: "Run") -> bool:
        """Whether the run's step belongs to a host, and that is down."""
        return run.queue.startswith("host.") and not self.is_up(run.host)


def sweep() -> dict[str, int]:
    """Check every active run once. One sweeper at a time; others return at once. Returns the counts of actions."""
    with locks.sweep() as held:
        return _sweep() if held else {}


def _sweep() -> dict[str, int]:
    with Broker() as broker:
        began = broker.epoch_began()
        epoch = datetime.fromtimestamp(began, UTC) if began else None
        # Runs first, locks second: a step that was claimed in between is then seen as queued, never as abandoned.
        due = list(selectors.due()[:BATCH])
        if not due:
            return {}
        current = Sweep(broker=broker, now=timezone.now(), locks=selectors.held_locks(), epoch=epoch)
        for run in due:
            _check(run, current)
        tallies.add(name="sweeper_actions", counts=current.counts)
        return current.counts


def _check(run: "Run", current: Sweep) -> None:
    holder = current.locks.get(claims.lock_key(run.subject_type, run.subject_id))
    grace = timedelta(seconds=settings.SWEEP_GRACE)
    if run.state != states.REVERTING and run.deadline_at < current.now:
        _expire(run, holder, current)
    elif run.hosts and run.state != states.REVERTING and (lost := _lost_host(run, holder, current)):
        _leave(run, current, *lost)
    elif run.step_state == states.STEP_RUNNING:
        _check_running(run, holder, current)
    elif run.not_before is not None:
        runs.resend(run=run)
        current.did("delayed retry", run)
    elif holder is not None:
        _check_waiting(run, holder, current)
    elif current.now - run.enqueued_at > grace:
        _check_queued(run, current)


def _lost_host(run: "Run", holder: int | None, current: Sweep) -> tuple[str, OnHostDown] | None:
    """Return a host of the run that is down and that this or a later step needs, and what its pipeline says to that.

    The host of a running step is not lost while its worker holds the lock.
    """
    needed = catalogue.find(run.pipeline).lost.get(run.next_step, {})
    for role, word in sorted(needed.items(), key=lambda item: item[1] != "fail"):  # no attempt helps where one fails
        host = run.hosts.get(role, "")
        works_there = run.step_state == states.STEP_RUNNING and holder is not None and host == run.host
        if host and not works_there and not current.is_up(host):
            return host, word
    return None


def _undoes(run: "Run") -> bool:
    return run.state == states.REVERTING or catalogue.find(run.pipeline).releases


def _check_waiting(run: "Run", holder: int, current: Sweep) -> None:
    """Another session holds the subject, although it has one active run at a time, and that one waits.

    So it is a step of a run that a delete, a revert or a hard reboot has cancelled: it gets a limited time to end. It
    may also be a reconciler at work, or this run's own worker that came after the run was read: neither is silent long.
    """
    patience = settings.LOCK_WAIT_SECONDS * 3
    waited = current.now - run.enqueued_at > timedelta(seconds=patience)
    if waited and _revoke_lock(run, holder, idle_seconds=patience):
        current.did("cancelled step does not end", run)


def _check_running(run: "Run", holder: int | None, current: Sweep) -> None:
    started = run.step_started_at or run.enqueued_at
    if holder is None:
        if current.now - started > timedelta(seconds=1):
            _resend(run, current, "worker died")
    elif run.step_deadline_at and run.step_deadline_at < current.now:
        _revoke_lock(run, holder)
        if run.state == states.REVERTING:
            _resend(run, current, "revert took too long")
        else:
            _end_step(run, current)


def _end_step(run: "Run", current: Sweep) -> None:
    """A step passed its deadline. Behind the pivot it is tried again, until the run passes its own."""
    if catalogue.find(run.pipeline).is_behind_pivot(run.next_step):
        _resend(run, current, "step deadline: repeated")
        return
    retrying = run.attempt < settings.MAX_ATTEMPTS
    message = f"The step {run.next_step} did not end within its time."
    runs.order_revert(run=run, cause="StepTimeout", message=message, retrying=retrying)
    current.did("step deadline", run)


def _check_queued(run: "Run", current: Sweep) -> None:
    if current.is_gone(run):
        _host_down(run, current)
        return
    forgotten = current.epoch is not None and run.enqueued_at < current.epoch
    if _is_not_served(run, current):
        runs.resend(run=run, queue=routing.DETACHED_QUEUE)
        current.did("host serves nothing: rows only", run)
    elif forgotten:
        _resend(run, current, "broker lost its memory")
    elif current.broker.length(run.queue) == 0:
        _resend(run, current, "message lost")
    elif current.overtaken(run):
        _resend(run, current, "message overtaken")


def _is_not_served(run: "Run", current: Sweep) -> bool:
    """Return whether a live agent has not started a revert or a delete for as long as a step may take."""
    waited = current.now - run.enqueued_at > timedelta(seconds=settings.STEP_TIMEOUT)
    return _undoes(run) and run.queue.startswith("host.") and waited


def _resend(run: "Run", current: Sweep, why: str) -> None:
    if current.is_gone(run):
        _host_down(run, current)
    elif runs.resend(run=run):
        current.did(why, run)


def _host_down(run: "Run", current: Sweep) -> None:
    """Do what the pipeline says. A revert continues on the rows alone: recovery cleans up the host when it is back."""
    entry = catalogue.find(run.pipeline)
    word = entry.when_down(run.next_step)
    if word == "wait" and current.is_dead(run.host):
        word = entry.on_host_dead
    if run.next_step == states.REVERT or word == "rows_only":
        runs.resend(run=run, queue=routing.DETACHED_QUEUE)
        current.did("host down: rows only", run)
    elif word in ("elsewhere", "fail"):
        _leave(run, current, run.host, word)


def _leave(run: "Run", current: Sweep, host: str, word: OnHostDown) -> None:
    """Revert, because ``host`` is lost. The revert begins where the run is, on the rows alone if that is down."""
    noun, elsewhere = catalogue.find(run.pipeline).noun, word == "elsewhere"
    ordered = runs.order_revert(
        run=run,
        cause="HostDown",
        message=f"The host went down during the {noun}.",
        details=f"host {host}",
        retrying=elsewhere and run.attempt < settings.MAX_ATTEMPTS,
        queue=routing.DETACHED_QUEUE if current.is_gone(run) else "",
    )
    if ordered:
        current.did(f"host down: {noun} leaves it" if elsewhere else f"host down: {noun} fails", run)


def _expire(run: "Run", holder: int | None, current: Sweep) -> None:
    if holder is not None:
        _revoke_lock(run, holder)
    allowed = (run.deadline_at - run.created_at).total_seconds()
    message = f"The run did not end within {allowed:.0f} seconds; the step {run.next_step} was running."
    queue = routing.DETACHED_QUEUE if current.is_gone(run) else ""
    runs.order_revert(run=run, cause="Timeout", message=message, queue=queue)
    current.did("deadline", run)


def _revoke_lock(run: "Run", pid: int, *, idle_seconds: float = 0) -> bool:
    """End the session that holds the subject's lock, unless its worker has continued with another subject.

    The worker stops before its next side effect. ``idle_seconds``: only a session that was silent for that long.
    """
    key = claims.lock_key(run.subject_type, run.subject_id)
    return locks.revoke_lease(key, pid=pid, idle_seconds=idle_seconds)
