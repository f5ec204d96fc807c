"""A revert whose worker died is sent again to its host, or on the rows alone if the host is down."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.workflow import states
from apps.workflow.models import Run
from apps.workflow.services import runs
from tests.unit.engine.hosts import A, B, Cluster, WorkerDied, moves_to, start, step_of
from workers import routing
from workers.engine.errors import Abort
from workers.periodic import sweeper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dead(cluster: Cluster) -> Run:
    """A run whose copy failed, and whose worker died in the revert that followed."""
    run = start()
    moves_to(cluster, "copy")
    step_of(cluster, "copy").fails = [Abort("No.")]
    step_of(cluster, "copy").reverts = [WorkerDied()]
    with pytest.raises(WorkerDied):
        cluster.serve(f"host.{B}.long")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")  # the lease goes with the worker's session
    run.refresh_from_db()
    return run


def test_a_revert_that_began_in_a_long_step_is_sent_to_its_host(cluster: Cluster, dead: Run) -> None:
    assert (dead.state, dead.queue, dead.host) == (states.REVERTING, f"host.{B}", B)
    calls = step_of(cluster, "copy").calls
    calls.clear()
    assert runs.resend(run=dead)
    assert cluster.waiting() == {dead.queue: [states.REVERT]}
    cluster.run()
    assert ("revert", "copy", B, True) in calls
    assert ("revert", "off", A, True) in calls


def test_a_revert_that_an_older_version_left_on_the_long_queue_moves(cluster: Cluster, dead: Run) -> None:
    Run.objects.filter(id=dead.id).update(queue=f"host.{B}.long")
    dead.refresh_from_db()
    assert runs.resend(run=dead)
    assert cluster.waiting() == {f"host.{B}": [states.REVERT]}
    assert Run.objects.get(id=dead.id).queue == f"host.{B}"


def test_a_revert_on_the_rows_alone_stays_there(cluster: Cluster, dead: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is down: the sweeper detaches the run from it."""
    Run.objects.filter(id=dead.id).update(step_started_at=timezone.now() - timedelta(minutes=1))
    monkeypatch.setattr(sweeper.hosts, "names_up", lambda *, names: {A} & set(names))
    sweeper.sweep()
    assert cluster.waiting() == {routing.DETACHED_QUEUE: [states.REVERT]}
    calls = step_of(cluster, "copy").calls
    calls.clear()
    cluster.run()
    assert ("revert", "copy", B, False) in calls
    assert ("revert", "off", A, True) in calls


def test_a_revert_skips_steps_that_undo_nothing(cluster: Cluster) -> None:
    """The destination has nothing left to undo once the source is through: it may be dead by then."""
    run = start()
    moves_to(cluster, "copy")
    step_of(cluster, "copy").fails = [Abort("No.")]
    cluster.serve(f"host.{B}.long")
    assert cluster.waiting() == {f"host.{A}": [states.REVERT]}
    cluster.serve(f"host.{A}")
    assert cluster.waiting() == {}
    run.refresh_from_db()
    assert run.state == states.FAILED
