"""A step's last transaction: if it fails the lease is kept; if the run was taken away nothing is written."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.compute.models import Server
from apps.compute.services import server_states
from apps.workflow import states
from apps.workflow.models import Run, Step
from apps.workflow.services import claims, runs
from apps.workflow.services.claims import Claim
from workers.config import HostDrivers
from workers.engine import runner
from workers.engine.errors import LeaseLost
from workers.engine.pipeline import Pipeline
from workers.engine.steps import HOST, StepContext
from workers.engine.steps import Step as EngineStep
from workers.engine.subjects import SERVER
from workers.tasks.servers.power import PowerOff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_send", lambda run: None)


@pytest.fixture
def run() -> Iterator[Run]:
    yield runs.start(
        context=RequestContext(user_id="u", project_id="p"), pipeline="server.build", action="create",
        subject_id=uuid.uuid4(),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def claim_of(run: Run) -> Claim:
    found = claims.claim(
        run_id=run.id,
        token=1,
        step="schedule",
        subject_type="server",
        subject_id=run.subject_id,
        timeout_seconds=60,
        worker="w",
    )
    assert isinstance(found, Claim)
    return found


def is_held(run: Run) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [claims.lock_key("server", run.subject_id)])
        return bool(cursor.fetchone()[0])


class Counting(EngineStep[None]):
    name = "schedule"

    def record_shared(self, ctx: StepContext) -> None:
        raise ArithmeticError("the books are wrong")


def test_a_step_that_cannot_record_shared_rows_keeps_its_lease(run: Run) -> None:
    """Without it the revert would run concurrently with a run that the sweeper sends."""
    ctx = StepContext(claim=claim_of(run), hosts={HOST: ""})
    with pytest.raises(ArithmeticError):
        runner._finish(Pipeline(name="server.build", subject=SERVER, steps=(Counting(),)), Counting(), ctx, None)
    assert Run.objects.get(id=run.id).step_state == states.STEP_RUNNING
    assert Step.objects.get().result == ""
    assert is_held(run)


class Guests:
    def __init__(self) -> None:
        self.stopped: list[str] = []

    def stop(self, server_id: str, seconds: float) -> None:
        self.stopped.append(server_id)


@pytest.mark.parametrize("taken", [False, True])
def test_a_guest_is_stopped_only_while_the_run_stands(run: Run, taken: bool) -> None:
    """The host's lock may have been waited for: somebody may have started the guest again meanwhile."""
    guests, ctx = Guests(), StepContext(claim=claim_of(run), hosts={HOST: "h"})
    Server.objects.create(
        id=run.subject_id, project_id="p", user_id="u", name="s", hostname="s", reservation_id="r", flavor={}
    )
    ctx.drivers = HostDrivers.__new__(HostDrivers)
    object.__setattr__(ctx.drivers, "hypervisor", guests)
    if taken:
        Run.objects.filter(id=run.id).update(token=2)
        with pytest.raises(LeaseLost):
            PowerOff().execute(ctx)
        assert not guests.stopped
    else:
        with pytest.raises(AttributeError):  # these guests tell no state
            PowerOff().execute(ctx)
        assert guests.stopped == [str(run.subject_id)]


def test_a_change_that_cancels_nothing_does_not_stop_a_claim() -> None:
    server = Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", reservation_id="r", task_state="scheduling", flavor={}
    )
    started = runs.start(
        context=RequestContext(user_id="u", project_id="p"), pipeline="server.build", action="create",
        subject_id=server.id,
    )  # fmt: skip
    values: dict[str, Any] = {
        "run_id": started.id,
        "token": 1,
        "step": "schedule",
        "subject_type": "server",
        "subject_id": server.id,
    }
    Server.objects.filter(id=server.id).update(metadata={"new": "1"}, updated_at=timezone.now())
    arguments = server_states.begin_task_with_claim(task_state="networking")
    found = claims.claim(**values, timeout_seconds=60, worker="w", arguments=arguments)
    assert isinstance(found, Claim) and found.extended is not None
    assert server_states.read_claimed(found.extended).metadata == {"new": "1"}
    assert is_held(started)
