"""The sweeper: every run that nobody works on and that no message is under way for is sent again.

Rules, per active run (see docs/engine.md):
  past its overall deadline                          -> revert for good
  step running, lock held by nobody                  -> its worker died: send again
  step running, past its deadline                    -> take the lock away, revert by family
  step queued, host down                             -> build: elsewhere; delete: rows only; others wait
  step queued, its message gone                      -> send again
A long queue is no lost message, and what a live worker holds is not sent again.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.scheduling.selectors import hosts
from apps.workflow import states
from apps.workflow.selectors import runs as selectors
from apps.workflow.services import leases, runs
from apps.workflow.services.runs import Run
from workers import routing
from workers.periodic.broker import Broker

log = structlog.get_logger("celerity.sweeper")
SWEEPER_LOCK = (0x63656C, 1)  # two ints: apart from the subjects' locks, which are one bigint
OVERTAKEN_MARGIN_SECONDS = 2.0
BATCH = 5000


@dataclass(slots=True)
class Sweep:
    """What one sweep sees and what it did."""

    broker: Broker
    now: datetime
    locks: dict[int, int]
    epoch: datetime | None
    counts: dict[str, int] = field(default_factory=dict)
    up: dict[str, bool] = field(default_factory=dict)
    emptied: dict[str, bool] = field(default_factory=dict)

    def did(self, what: str, run: Run) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        log.info("swept", what=what, run=str(run.id), pipeline=run.pipeline, step=run.next_step, host=run.host)

    def is_up(self, host: str) -> bool:
        if host not in self.up:
            self.up[host] = host in hosts.names_up(names=[host])
        return self.up[host]


def sweep() -> dict[str, int]:
    """Look at every active run once. One sweeper at a time; others return at once. Returns what was done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", SWEEPER_LOCK)
        if not cursor.fetchone()[0]:
            return {}
        try:
            return _sweep()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", SWEEPER_LOCK)


def _sweep() -> dict[str, int]:
    with Broker() as broker:
        began = broker.epoch_began()
        epoch = datetime.fromtimestamp(began, UTC) if began else None
        # Runs first, locks second: a step that was claimed in between is then seen as queued, never as abandoned.
        due = list(selectors.due()[:BATCH])
        if not due:
            return {}
        one = Sweep(broker=broker, now=timezone.now(), locks=selectors.held_locks(), epoch=epoch)
        for run in due:
            _look_at(run, one)
        return one.counts


def _look_at(run: Run, one: Sweep) -> None:
    holder = one.locks.get(leases.lock_key(run.subject_id))
    grace = timedelta(seconds=settings.SWEEP_GRACE)
    if run.state != states.REVERTING and run.deadline_at < one.now:
        _expire(run, holder, one)
    elif run.step_state == states.STEP_RUNNING:
        _look_at_running(run, holder, one)
    elif run.not_before is not None:
        runs.resend(run=run)
        one.did("delayed retry", run)
    elif holder is None and one.now - run.enqueued_at > grace:
        _look_at_queued(run, one)


def _look_at_running(run: Run, holder: int | None, one: Sweep) -> None:
    started = run.step_started_at or run.enqueued_at
    if holder is None:
        if one.now - started > timedelta(seconds=1):
            _resend(run, one, "worker died")
    elif run.step_deadline_at and run.step_deadline_at < one.now:
        _take_lock_away(holder)
        if run.state == states.REVERTING:
            _resend(run, one, "revert took too long")
        else:
            retrying = run.attempt < settings.MAX_ATTEMPTS
            message = f"The step {run.next_step} did not end within its time."
            runs.order_revert(run=run, cause="StepTimeout", message=message, retrying=retrying)
            one.did("step deadline", run)


def _look_at_queued(run: Run, one: Sweep) -> None:
    if run.queue.startswith("host.") and not one.is_up(run.host):
        _host_down(run, one)
        return
    forgotten = one.epoch is not None and run.enqueued_at < one.epoch - timedelta(seconds=0)
    if forgotten:
        _resend(run, one, "broker lost its memory")
    elif one.broker.length(run.queue) == 0:
        _resend(run, one, "message lost")
    elif selectors.overtaken(run=run, margin_seconds=OVERTAKEN_MARGIN_SECONDS):
        _resend(run, one, "message overtaken")


def _resend(run: Run, one: Sweep, why: str) -> None:
    if run.queue.startswith("host.") and not one.is_up(run.host):
        _host_down(run, one)
    elif runs.resend(run=run):
        one.did(why, run)


def _host_down(run: Run, one: Sweep) -> None:
    """A build leaves a host that is down; a delete or a revert goes on with the rows alone; the rest waits."""
    if run.next_step == states.REVERT or run.pipeline.endswith(".delete"):
        runs.resend(run=run, queue=routing.DETACHED_QUEUE)
        one.did("host down: rows only", run)
    elif run.pipeline.endswith(".build"):
        retrying = run.attempt < settings.MAX_ATTEMPTS
        message = f"The host {run.host} went down during the build."
        runs.order_revert(run=run, cause="HostDown", message=message, retrying=retrying, queue=routing.DETACHED_QUEUE)
        one.did("host down: build leaves it", run)


def _expire(run: Run, holder: int | None, one: Sweep) -> None:
    if holder is not None:
        _take_lock_away(holder)
    message = (
        f"It was not done within {settings.INSTANCE_BUILD_TIMEOUT} seconds; the step {run.next_step} was under way."
    )
    host_is_gone = run.queue.startswith("host.") and not one.is_up(run.host)
    runs.order_revert(run=run, cause="Timeout", message=message, queue=routing.DETACHED_QUEUE if host_is_gone else "")
    one.did("deadline", run)


def _take_lock_away(pid: int) -> None:
    """End the session that holds the lock: its worker stops before the next side effect."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
