"""Behind the pivot a failed step is repeated, however many hosts were tried; then it alone is reverted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from apps.workflow import states
from apps.workflow.models import Run
from apps.workflow.services import claims, runs
from tests.unit.engine.hosts import A, Cluster, moves_to, start, step_of
from workers.engine.errors import Retryable
from workers.periodic import sweeper

pytestmark = pytest.mark.django_db(transaction=True)
ATTEMPTS = 2


@pytest.fixture(autouse=True)
def attempts(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAX_ATTEMPTS = ATTEMPTS
    monkeypatch.setattr(sweeper.hosts, "names_up", lambda *, names: set(names))


@pytest.fixture
def moved(cluster: Cluster) -> Run:
    """A run whose last destination took the server: the first one failed."""
    step_of(cluster, "copy").fails = [Retryable("Full.")]
    run = start()
    moves_to(cluster, "clear")
    run.refresh_from_db()
    assert run.attempt == ATTEMPTS
    step_of(cluster, "clear").calls.clear()
    return run


def later(run: Run) -> None:
    """The delay of the repeat is over."""
    Run.objects.filter(id=run.id).update(not_before=timezone.now() - timedelta(seconds=1))
    sweeper.sweep()


def test_a_failure_is_repeated_and_the_run_does_not_revert(cluster: Cluster, moved: Run) -> None:
    step_of(cluster, "clear").fails = [Retryable("Busy.")]
    cluster.run()
    moved.refresh_from_db()
    assert (moved.state, moved.next_step, moved.step_state) == (states.RUNNING, "clear", states.STEP_QUEUED)
    assert moved.not_before is not None and moved.queue == f"host.{A}"
    failed = moved.steps.get(name="clear")
    assert (failed.result, failed.error_message) == (states.RETRY, "Busy.")
    later(moved)
    cluster.run()
    moved.refresh_from_db()
    assert (moved.state, moved.attempt) == (states.SUCCEEDED, ATTEMPTS)
    assert step_of(cluster, "clear").calls == [("execute", "clear", A, True)] * 2


def test_it_is_given_up_after_as_many_failures_as_attempts_are_allowed(cluster: Cluster, moved: Run) -> None:
    step_of(cluster, "clear").fails = [Retryable("Busy.")] * ATTEMPTS
    cluster.run()
    later(moved)
    cluster.run()
    moved.refresh_from_db()
    assert (moved.state, moved.error_message) == (states.FAILED, "Busy.")
    assert step_of(cluster, "clear").calls == [("execute", "clear", A, True)] * ATTEMPTS + [
        ("revert", "clear", A, True)
    ]


def test_a_revert_that_the_sweeper_ordered_runs_on_the_steps_host(cluster: Cluster, moved: Run) -> None:
    cluster.queues.clear()
    assert runs.order_revert(run=moved, cause="Timeout", message="Too late.")
    cluster.run()
    moved.refresh_from_db()
    assert moved.state == states.FAILED
    assert step_of(cluster, "clear").calls == [("revert", "clear", A, True)]


@pytest.fixture
def hanging(cluster: Cluster, moved: Run) -> Iterator[Run]:
    """Another session holds the run's step beyond its deadline."""
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    other = psycopg2.connect(**{name: parameters[name] for name in names if parameters.get(name)})
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [claims.lock_key("server", moved.subject_id)])
    cluster.queues.clear()
    past = timezone.now() - timedelta(seconds=5)
    Run.objects.filter(id=moved.id).update(step_state=states.STEP_RUNNING, step_started_at=past, step_deadline_at=past)
    moved.refresh_from_db()
    yield moved
    other.close()


def test_a_step_beyond_its_deadline_is_repeated(cluster: Cluster, hanging: Run) -> None:
    sweeper.sweep()
    hanging.refresh_from_db()
    assert (hanging.state, hanging.next_step) == (states.RUNNING, "clear")
    cluster.run()
    hanging.refresh_from_db()
    assert hanging.state == states.SUCCEEDED
