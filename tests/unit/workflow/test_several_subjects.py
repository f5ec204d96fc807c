"""A run with two subjects: it holds both from its start to its end, whichever way it ends."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.workflow import catalogue, locks, states
from apps.workflow.models import Finding, Run
from apps.workflow.selectors import runs as run_selectors
from apps.workflow.services import cancellation, claims, findings, leases, runs
from workers.consistency import check
from workers.engine import runner
from workers.engine.errors import Abort, Stale, StepFailed
from workers.engine.pipeline import Pipeline
from workers.engine.steps import SCHEDULER, Step, StepContext
from workers.engine.subjects import SERVER
from workers.periodic import sweeper
from workers.periodic.reconcilers import runs as reconciler
from workers.pipelines import registry

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = RequestContext(user_id="u", project_id="p")


class Swap(Step[None]):
    """What a pipeline with two subjects does here: it sees which locks are held, and fails where it is to."""

    name = "swap"
    role = SCHEDULER

    def __init__(self) -> None:
        self.fails = False
        self.held: list[set[int]] = []

    def execute(self, ctx: StepContext) -> None:
        self.held.append(set(run_selectors.held_locks()))
        assert len(ctx.also) == 1
        if self.fails:
            raise Abort("The two do not fit.", cause="NoFit")


class Check(Step[None]):
    name = "check"
    role = SCHEDULER

    def execute(self, ctx: StepContext) -> None:
        pass


@pytest.fixture
def swap(monkeypatch: pytest.MonkeyPatch) -> Iterator[Swap]:
    monkeypatch.setattr(dispatch, "send", lambda run: True)
    step = Swap()
    pipeline = Pipeline(name="server.test_swap", subject=SERVER, steps=(Check(), step))
    before = [catalogue.get(name) for name in registry.PIPELINES]
    catalogue.fill([*before, pipeline.entry])
    monkeypatch.setitem(registry.PIPELINES, pipeline.name, pipeline)
    yield step
    catalogue.fill(before)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def pair() -> tuple[uuid.UUID, uuid.UUID]:
    return uuid.uuid4(), uuid.uuid4()


def start(first: uuid.UUID, second: uuid.UUID) -> Run:
    return runs.start(
        context=CONTEXT, pipeline="server.test_swap", action="swap", subject_id=first, also=[("server", second)]
    )


def message_of(run: Run) -> dict[str, Any]:
    sent: list[dict[str, Any]] = []

    class App:  # links are kept for each app: it has to have a hash
        tasks = {"server.test_swap.check": SimpleNamespace(apply_async=lambda args, chain: sent.extend(args))}
        signature = str

    registry.send(App(), run)  # type: ignore[arg-type]
    return sent[0]


def go(run: Run, *names: str) -> None:
    pipeline, message = registry.PIPELINES["server.test_swap"], message_of(run)
    for step in pipeline.steps:
        if step.name in names:
            message = runner.run_step(pipeline, step, message, None)


def cancel(subject: uuid.UUID) -> Run | None:
    with transaction.atomic():
        return runs.cancel_active(subject_type="server", subject_id=subject, reason="The server was deleted.")


def states_of(*subjects: uuid.UUID) -> list[str]:
    return [Run.objects.get(subject_id=subject).state for subject in subjects]


def test_it_holds_both_until_it_ends(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID]) -> None:
    keys = {claims.lock_key("server", subject) for subject in pair}
    go(start(*pair), "check", "swap")
    assert keys <= swap.held[0]
    assert not keys & set(run_selectors.held_locks())
    assert states_of(*pair) == [states.SUCCEEDED, states.SUCCEEDED]


def test_both_rows_say_why_it_failed(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID]) -> None:
    swap.fails = True
    with pytest.raises(StepFailed, match="do not fit"):
        go(start(*pair), "check", "swap")
    assert states_of(*pair) == [states.FAILED, states.FAILED]
    assert Run.objects.get(subject_id=pair[1]).error_message == "The two do not fit."
    assert not {claims.lock_key("server", subject) for subject in pair} & set(run_selectors.held_locks())


@pytest.mark.parametrize("busy", [0, 1])
def test_one_active_run_for_each_subject(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID], busy: int) -> None:
    """Whether the other run has the first subject or the second, or both in the other order."""
    alone = runs.start(context=CONTEXT, pipeline="server.test_swap", action="x", subject_id=pair[busy])
    with pytest.raises(IntegrityError), transaction.atomic():
        start(*pair)
    assert Run.objects.count() == 1, "all or nothing"
    cancel(alone.subject_id)
    start(*pair)
    with pytest.raises(IntegrityError), transaction.atomic():
        start(*reversed(pair))
    with pytest.raises(IntegrityError), transaction.atomic():
        runs.start(context=CONTEXT, pipeline="server.test_swap", action="x", subject_id=pair[busy])


@pytest.mark.parametrize("busy", [0, 1])
def test_a_claim_takes_all_locks_or_none(
    swap: Swap, pair: tuple[uuid.UUID, uuid.UUID], busy: int, settings: Any
) -> None:
    settings.LOCK_WAIT_SECONDS = 0.1
    run = start(*pair)
    held = claims.lock_key("server", pair[busy])
    other = _session()
    with other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [held])
        with pytest.raises(Stale):
            go(run, "check")
        assert set(run_selectors.held_locks()) & {claims.lock_key("server", subject) for subject in pair} == {held}
    other.close()
    go(run, "check", "swap")
    assert states_of(*pair) == [states.SUCCEEDED, states.SUCCEEDED]


def _session() -> Any:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg2.connect(**{name: parameters[name] for name in names if parameters.get(name)})


@pytest.mark.parametrize("deleted", [0, 1])
def test_a_delete_of_either_takes_the_run_away(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID], deleted: int) -> None:
    run = start(*pair)
    message = message_of(run)
    cancelled = cancel(pair[deleted])
    assert cancelled is not None and cancelled.id == run.id
    assert states_of(*pair) == [states.CANCELLED, states.CANCELLED]
    pipeline = registry.PIPELINES["server.test_swap"]
    with pytest.raises(Stale):
        runner.run_step(pipeline, pipeline.steps[0], message, None)
    assert not run_selectors.has_active(subject_type="server", subject_id=pair[1 - deleted])


def test_the_sweeper_sends_the_leading_row_alone(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID]) -> None:
    run = start(*pair)
    # Before the broker began, so that its message is lost whatever other tests have left in the scheduler's queue.
    Run.objects.update(enqueued_at=timezone.now() - timedelta(days=1))
    assert sum(sweeper.sweep().values()) == 1
    assert [Run.objects.get(subject_id=subject).token for subject in pair] == [run.token + 1, 1]


@pytest.mark.parametrize("named", [0, 1])
def test_an_operator_cancels_the_whole_run_by_either_subject(
    swap: Swap, pair: tuple[uuid.UUID, uuid.UUID], named: int
) -> None:
    run = start(*pair)
    active = run_selectors.active_of(subject_type="server", subject_id=pair[named])
    assert active is not None and active.id == run.id
    cancellation.cancel(run=active, message="The swap was cancelled by an operator.")
    leader, follower = (Run.objects.get(subject_id=subject) for subject in pair)
    assert (leader.state, leader.next_step) == (states.REVERTING, states.REVERT)
    assert (follower.state, follower.next_step, follower.token) == (states.RUNNING, "", 1)


def test_the_row_of_a_further_subject_is_never_sent(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID]) -> None:
    start(*pair)
    follower = Run.objects.get(subject_id=pair[1])
    with pytest.raises(ValueError, match="leading run"):
        runs.order_revert(run=follower, cause="x", message="x")
    with pytest.raises(ValueError, match="leading run"):
        runs.resend(run=follower)
    cancellation.cancel(run=follower, message="The swap was cancelled by an operator.")
    assert states_of(*pair) == [states.REVERTING, states.RUNNING]


def test_a_run_that_ended_is_nobodys_active_run(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID]) -> None:
    go(start(*pair), "check", "swap")
    assert [run_selectors.active_of(subject_type="server", subject_id=subject) for subject in pair] == [None, None]


@pytest.fixture
def orphan(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID]) -> Run:
    """The row of a further subject that did not end with its run."""
    run = start(*pair)
    Run.objects.filter(id=run.id).update(state=states.FAILED)
    return Run.objects.get(subject_id=pair[1])


@pytest.mark.parametrize("is_there", [True, False])
def test_a_row_without_its_run_does_not_hold_up_a_delete(orphan: Run, is_there: bool) -> None:
    """The request waited for the end of the run forever."""
    if not is_there:
        Run.objects.filter(id=orphan.leader_id).delete()
    assert cancel(orphan.subject_id) is None
    assert not run_selectors.has_active(subject_type="server", subject_id=orphan.subject_id)


def test_a_row_without_its_run_is_found_and_ended(orphan: Run, swap: Swap) -> None:
    healthy = start(uuid.uuid4(), uuid.uuid4())
    assert [row.what for row in check.of_rows() if row.kind == "run"] == [str(orphan.id)]
    for _ in range(2):
        with findings.reporting(kinds=reconciler.KINDS) as report:
            reconciler.reconcile(report)
    assert states_of(orphan.subject_id) == [states.CANCELLED]
    finding = Finding.objects.get()
    assert (finding.kind, finding.subject, finding.times) == ("run", str(orphan.id), 1)
    assert Run.objects.filter(state__in=states.ACTIVE).count() == 2 and healthy.also


def test_runs_that_follow_each_other_are_refused_in_the_end(
    swap: Swap, pair: tuple[uuid.UUID, uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(*pair)
    monkeypatch.setattr(locks, "run", lambda run_id: None)
    with pytest.raises(Conflict, match="faster"):
        cancel(pair[0])


def test_subjects_of_two_kinds_may_have_one_id(swap: Swap, pair: tuple[uuid.UUID, uuid.UUID]) -> None:
    """A client chooses the id of its image: it may be that of somebody's server."""
    image, server = ("image", pair[0]), ("server", pair[0])
    assert claims.lock_key(*image) != claims.lock_key(*server)
    run = runs.start(context=CONTEXT, pipeline="server.test_swap", action="x", subject_id=pair[1], also=[image])
    assert run_selectors.has_active(subject_type="image", subject_id=pair[0])
    assert not run_selectors.has_active(subject_type="server", subject_id=pair[0])
    assert run_selectors.active_of(subject_type="server", subject_id=pair[0]) is None
    assert not run_selectors.of_subject(subject_type="server", subject_id=pair[0])
    other = runs.start(context=CONTEXT, pipeline="server.test_swap", action="y", subject_id=pair[0])
    assert cancel(pair[0]) == other
    assert Run.objects.get(id=run.id).state == states.QUEUED
    with leases.idle(subject_type="server", subject_id=pair[0]) as is_idle:
        assert is_idle
        go(run, "check", "swap")
    assert {claims.lock_key(*image), claims.lock_key("server", pair[1])} <= swap.held[0]
