"""A run that waits for a step of a cancelled run gets its turn: a hard reboot too, not deletes alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import connection
from django.utils import timezone

from apps.workflow import locks, states
from apps.workflow.models import Run
from apps.workflow.selectors import runs as selectors
from apps.workflow.services.claims import lock_key
from tests.unit.engine.hosts import Cluster, start
from workers.periodic import sweeper

pytestmark = pytest.mark.django_db(transaction=True)
ENDED = "cancelled step does not end"
OTHERS = 77  # a lock
WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND clock_timestamp() - state_change > '0.5 s'"


@pytest.fixture
def waiting(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that undoes nothing, and whose first step has been queued for a minute."""
    monkeypatch.setattr(sweeper.hosts, "names_up", lambda *, names: set(names))
    run = start()
    Run.objects.filter(id=run.id).update(enqueued_at=timezone.now() - timedelta(minutes=1))
    return run


@contextmanager
def holding(run: Run, *, waits: bool = False) -> Iterator[int]:
    """Hold the run's subject in another session, as a step that hangs; give the key of the lease. ``waits``: as a claim
    does that waits for a lock of the caller's.
    """
    key, held, over = lock_key(run.subject_type, run.subject_id), Event(), Event()

    def hang() -> None:
        try:
            assert locks.try_lease(key)
            held.set()
            if waits:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_lock(%s)", [OTHERS])
            over.wait(30)
        finally:
            connection.close()

    thread = Thread(target=hang)
    thread.start()
    try:
        assert held.wait(10)
        yield key
    finally:
        over.set()
        thread.join()


def test_the_hung_steps_session_is_ended(waiting: Run, settings: object) -> None:
    settings.LOCK_WAIT_SECONDS = 0.1  # type: ignore[attr-defined]
    with holding(waiting) as key:
        deadline = time.monotonic() + 10
        while ENDED not in sweeper.sweep():
            assert time.monotonic() < deadline, "the session that hangs is not ended"
        while key in selectors.held_locks():
            assert time.monotonic() < deadline, "the session that was ended still holds the lease"
    waiting.refresh_from_db()
    assert (waiting.state, waiting.step_state) == (states.QUEUED, states.STEP_QUEUED)


def test_a_session_that_is_at_work_is_left_alone(waiting: Run) -> None:
    """It may be this run's own worker, which claimed the step after the sweeper had read the run."""
    with holding(waiting) as key:
        assert ENDED not in sweeper.sweep()
        assert key in selectors.held_locks()


def test_a_session_in_a_statement_is_left_alone(waiting: Run, settings: object) -> None:
    """Its claim is not committed yet, so the run looks as if it waited for somebody else."""
    settings.LOCK_WAIT_SECONDS = 0.1  # type: ignore[attr-defined]
    assert locks.try_lease(OTHERS)
    with holding(waiting, waits=True) as key:
        try:
            deadline, is_waiting = time.monotonic() + 10, False
            while not is_waiting:
                assert time.monotonic() < deadline
                with connection.cursor() as cursor:
                    cursor.execute(WAITING)
                    is_waiting = cursor.fetchone() is not None
            assert ENDED not in sweeper.sweep()
            assert key in selectors.held_locks()
        finally:
            locks.release_lease(OTHERS)
