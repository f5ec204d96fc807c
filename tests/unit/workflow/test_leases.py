"""Claim, finish and revert: tokens decide who may write, advisory locks who may work."""

import uuid
from collections.abc import Iterator

import pytest
from django.db import connection, connections

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.workflow import states
from apps.workflow.models import Run, Step
from apps.workflow.services import claims, leases, runs
from apps.workflow.services.claims import Claim
from apps.workflow.services.leases import Failure
from tests.cloud import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What would have gone to the broker: (step, token)."""
    found: list[tuple[str, int]] = []
    monkeypatch.setattr(dispatch, "_send", lambda run: found.append((run.next_step, run.token)))
    return found


@pytest.fixture
def run() -> Iterator[Run]:
    started = runs.start(
        context=RequestContext(user_id="u", project_id="p"),
        pipeline="server.build",
        action="create",
        subject_id=uuid.uuid4(),
    )
    yield started
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def take(run: Run, step: str = "schedule", token: int = 1) -> Claim | str:
    return claims.claim(
        run_id=run.id,
        token=token,
        step=step,
        subject_type="server",
        subject_id=run.subject_id,
        timeout_seconds=60,
        worker="w",
    )


def holders(run: Run) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE d.datname = current_database() AND locktype = 'advisory' AND granted AND objsubid = 1"
        )
        return int(cursor.fetchone()[0])


def test_a_run_is_sent_after_commit(run: Run, sent: list[tuple[str, int]]) -> None:
    assert sent == [("schedule", 1)]


def test_a_claim_opens_a_step_and_holds_the_lock(run: Run) -> None:
    claim = take(run)
    assert isinstance(claim, Claim)
    assert holders(run) == 1
    run.refresh_from_db()
    assert (run.state, run.step_state) == (states.RUNNING, states.STEP_RUNNING)
    assert [(step.name, step.result) for step in Step.objects.all()] == [("schedule", "")]


@pytest.mark.parametrize(("step", "token"), [("schedule", 2), ("spawn", 1), ("revert", 1)])
def test_a_stale_message_changes_nothing_and_holds_nothing(run: Run, step: str, token: int) -> None:
    assert take(run, step=step, token=token) == claims.STALE
    assert holders(run) == 0
    assert not Step.objects.exists()


def test_a_doubled_message_is_stale(run: Run) -> None:
    assert isinstance(take(run), Claim)
    assert take(run) == claims.STALE


def test_another_session_waits(run: Run) -> None:
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [claims.lock_key("server", run.subject_id)])
    try:
        assert take(run) == claims.BUSY
        run.refresh_from_db()
        assert run.state == states.QUEUED
    finally:
        other.close()
    # The server notices the closed socket a moment later.
    assert wait_for(lambda: isinstance(take(run), Claim), what="a claim after the session was closed", seconds=10)


def test_advance_moves_on_and_lets_go(run: Run) -> None:
    claim = take(run)
    assert isinstance(claim, Claim)
    assert leases.advance(claim=claim, next_step="spawn", host="h", queue="host.h")
    assert holders(run) == 0
    run.refresh_from_db()
    assert (run.next_step, run.step_state, run.host, run.queue) == ("spawn", states.STEP_QUEUED, "h", "host.h")
    assert Step.objects.get().result == states.SUCCESS


def test_a_zombie_cannot_finish(run: Run) -> None:
    claim = take(run)
    assert isinstance(claim, Claim)
    Run.objects.filter(id=run.id).update(token=2)
    assert not leases.advance(claim=claim, next_step="spawn", host="h", queue="host.h")
    assert not leases.end(claim=claim, state=states.SUCCEEDED, host="h")
    assert leases.begin_revert(
        claim=claim, failure=Failure(cause="c", message="m", details="d"), retrying=False, queue="host.h",
        timeout_seconds=1, worker="w",
    ) is None  # fmt: skip
    run.refresh_from_db()
    assert (run.state, run.next_step) == (states.RUNNING, "schedule")


def test_a_revert_keeps_the_lock_and_the_cause(run: Run) -> None:
    claim = take(run)
    assert isinstance(claim, Claim)
    failure = Failure(cause="c", message="for the user", details="for the administrator")
    assert leases.begin_revert(
        claim=claim, failure=failure, retrying=True, queue="host.h", timeout_seconds=60, worker="w"
    )
    assert holders(run) == 1
    run.refresh_from_db()
    assert (run.state, run.next_step, run.error_message) == (states.REVERTING, "revert", "for the user")
    assert [step.result for step in run.steps.order_by("id")] == [states.RETRY, ""]


def test_waiting_counts_from_the_first_message(run: Run) -> None:
    for token in (1, 2):
        assert runs.resend(run=Run.objects.get(id=run.id, token=token))
    again = Run.objects.get(id=run.id)
    assert again.waiting_since == again.since == run.enqueued_at < again.enqueued_at
    claim = take(run, token=3)
    assert isinstance(claim, Claim)
    step = Step.objects.get()
    assert step.since == run.enqueued_at and step.enqueued_at == again.enqueued_at
    assert claim.waited_seconds == pytest.approx((step.started_at - step.since).total_seconds(), abs=0.05)
    assert leases.advance(claim=claim, next_step="spawn", host="h", queue="host.h")
    ahead = Run.objects.get(id=run.id)
    assert ahead.waiting_since is None and ahead.since == ahead.enqueued_at > again.enqueued_at


def test_a_step_that_had_begun_waits_anew(run: Run) -> None:
    assert isinstance(take(run), Claim)
    assert runs.resend(run=Run.objects.get(id=run.id))
    again = Run.objects.get(id=run.id)
    assert again.waiting_since is None and again.since == again.enqueued_at > run.enqueued_at


def test_a_retry_that_was_put_off_has_lost_no_message(run: Run) -> None:
    Run.objects.filter(id=run.id).update(not_before=run.enqueued_at)
    assert runs.resend(run=Run.objects.get(id=run.id))
    assert Run.objects.get(id=run.id).waiting_since is None


def test_resend_bumps_the_token_once(run: Run, sent: list[tuple[str, int]]) -> None:
    seen = Run.objects.get(id=run.id)
    assert runs.resend(run=Run.objects.get(id=run.id))
    assert not runs.resend(run=seen), "somebody was faster"
    assert sent[-1] == ("schedule", 2)
    assert take(run, token=1) == claims.STALE
    assert isinstance(take(run, token=2), Claim)


def test_one_active_run_per_subject(run: Run) -> None:
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        runs.start(
            context=RequestContext(),
            pipeline="server.delete",
            action="delete",
            subject_id=run.subject_id,
        )


def test_cancel_takes_the_run_away(run: Run) -> None:
    from django.db import transaction

    claim = take(run)
    assert isinstance(claim, Claim)
    with transaction.atomic():
        cancelled = runs.cancel_active(subject_type="server", subject_id=run.subject_id, reason="deleted")
    assert cancelled is not None
    assert not leases.is_current(claim=claim)
    assert not leases.end(claim=claim, state=states.SUCCEEDED, host="h")
    run.refresh_from_db()
    assert run.state == states.CANCELLED


def test_a_broker_that_is_away_loses_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(dispatch, "_send", refuse)
    assert not runs.resend(run=run)
    run.refresh_from_db()
    assert (run.state, run.token) == (states.QUEUED, 2)
