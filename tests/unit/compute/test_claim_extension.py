"""A step's claim moves task_state in the same statement: both or neither, and no deadlock with a delete."""

import threading
import uuid
from collections.abc import Iterator

import pytest
from django.db import connection, connections, transaction

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.compute import states
from apps.compute.models import Server
from apps.compute.services import server_states
from apps.workflow.models import Run
from apps.workflow.services import claims, runs
from apps.workflow.services.claims import Claim
from tests.cloud import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
CONTEXT = RequestContext(user_id="u", project_id="p")


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_send", lambda run: None)


@pytest.fixture
def server() -> Server:
    return Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", reservation_id="r-1", task_state=states.SCHEDULING,
        flavor={"id": "1"}, tags=["a"], metadata={"k": "v"},
    )  # fmt: skip


@pytest.fixture
def run(server: Server) -> Iterator[Run]:
    yield runs.start(context=CONTEXT, pipeline="server.build", action="create", subject_id=server.id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def take(run: Run, task_state: str, token: int = 1) -> Claim | str:
    return claims.claim(
        run_id=run.id, token=token, step="schedule", subject_type="server", subject_id=run.subject_id,
        timeout_seconds=60, worker="w",
        arguments=server_states.begin_task_with_claim(task_state=task_state),
    )  # fmt: skip


def test_the_claim_returns_the_server_as_it_is_now(run: Run, server: Server) -> None:
    claim = take(run, states.NETWORKING)
    assert isinstance(claim, Claim) and claim.extended is not None
    found = server_states.read_claimed(claim.extended)
    stored = Server.objects.get(id=server.id)
    assert stored.task_state == states.NETWORKING and stored.updated_at > server.updated_at
    names = [field.attname for field in Server._meta.concrete_fields]
    assert {name: getattr(found, name) for name in names} == {name: getattr(stored, name) for name in names}


def test_a_stale_message_moves_nothing(run: Run, server: Server) -> None:
    assert take(run, states.NETWORKING, token=2) == claims.STALE
    assert Server.objects.get(id=server.id).task_state == states.SCHEDULING


def test_a_held_lock_moves_nothing(run: Run, server: Server) -> None:
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [claims.lock_key("server", run.subject_id)])
    try:
        assert take(run, states.NETWORKING) == claims.BUSY
    finally:
        other.close()
    assert Server.objects.get(id=server.id).task_state == states.SCHEDULING


@pytest.mark.parametrize("values", [{"task_state": states.DELETING}, {"deleted_at": "2026-01-01T00:00Z"}])
def test_where_no_way_leads_the_claim_has_no_server(run: Run, server: Server, values: dict[str, str]) -> None:
    Server.objects.filter(id=server.id).update(**values)
    claim = take(run, states.NETWORKING)
    assert isinstance(claim, Claim) and claim.extended is None


def test_a_subject_without_a_row_is_stale() -> None:
    gone = runs.start(context=CONTEXT, pipeline="server.build", action="create", subject_id=uuid.uuid4())
    assert take(gone, states.NETWORKING) == claims.STALE


def test_a_claim_waits_for_a_delete_and_then_is_stale(run: Run, server: Server) -> None:
    """Both lock the server first: a claim that began with the run would wait for the delete, and the delete for it."""
    found: list[Claim | str] = []

    def claim() -> None:
        try:
            found.append(take(run, states.NETWORKING))
        finally:
            connection.close()

    thread = threading.Thread(target=claim)
    with transaction.atomic():
        Server.objects.select_for_update().get(id=server.id)
        thread.start()
        assert wait_for(_somebody_waits, what="a claim that waits for the row", seconds=10)
        runs.cancel_active(subject_type="server", subject_id=server.id, reason="deleted")
        Server.objects.filter(id=server.id).update(task_state=states.DELETING)
    thread.join(timeout=10)
    assert found == [claims.STALE]
    assert Server.objects.get(id=server.id).task_state == states.DELETING
    assert Run.objects.get(id=run.id).state == "cancelled"


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')")
        return bool(cursor.fetchone()[0])
