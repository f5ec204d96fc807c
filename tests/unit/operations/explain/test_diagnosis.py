"""The diagnosis in each state of a run and a server, and its number of statements."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.common import audit
from apps.compute.models import Migration, Server
from apps.operations.explain import collect, diagnosis, queues, text
from apps.scheduling.models import Allocation, Host, Inventory
from apps.workflow.models import Finding, Run, Step

pytestmark = pytest.mark.django_db
FLAVOR = {"id": "1", "original_name": "f", "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0}


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the broker and the workers answer: Celery's consumers name their queues, that of long steps is not one."""
    answers: dict[str, Any] = {"messages": 1, "queues": {"scheduler@one": ["scheduler"], "agent@h1": ["host.h1"]}}

    def inspect(timeout: float) -> SimpleNamespace:
        listed = {worker: [{"name": name} for name in names] for worker, names in answers["queues"].items()}
        return SimpleNamespace(active_queues=lambda: listed)

    monkeypatch.setattr(queues, "_messages", lambda queue: answers["messages"])
    monkeypatch.setattr(current_app.control, "inspect", inspect)
    return answers


@pytest.fixture
def host() -> Host:
    found = Host.objects.create(name="h1", number=1, hypervisor_type="QEMU")
    Inventory.objects.create(host=found, vcpus=8, ram_mib=8192, disk_gib=100)
    return found


@pytest.fixture
def server() -> Server:
    values = {"project_id": "p", "user_id": "u", "name": "vm", "hostname": "vm", "flavor": FLAVOR}
    return Server.objects.create(**values, reservation_id="r", task_state="scheduling")


@pytest.fixture
def start(server: Server) -> Callable[..., Run]:
    def make(**values: Any) -> Run:
        now = timezone.now()
        usual = {"pipeline": "server.build", "action": "create", "subject_type": "server", "subject_id": server.id,
                 "request_id": "req-1", "state": "running", "next_step": "schedule", "queue": "scheduler",
                 "user_id": "u", "deadline_at": now + timedelta(seconds=900), "enqueued_at": now}  # fmt: skip
        return Run.objects.create(**{**usual, **values})

    return make


def told(server: Server) -> str:
    story = collect.of_server(Server.objects.get(id=server.id))
    whole = text.render(story)
    assert max(map(len, whole.splitlines())) <= text.WIDTH
    return " ".join(diagnosis.of_story(story))


def test_waiting_behind_others(server: Server, start: Callable[..., Run]) -> None:
    for _ in range(2):
        start(subject_id=uuid.uuid4())
    start()
    assert "Waiting: the step schedule has waited 0." in told(server)
    assert "in the queue scheduler, 2 runs before it. The queue's worker is alive (scheduler@one)" in told(server)


def test_waiting_for_nobody(server: Server, start: Callable[..., Run], broker: dict[str, Any]) -> None:
    start()
    broker["queues"] = {}
    assert "first in line. Also, no worker reads this queue. Start a scheduler worker." in told(server)
    broker["messages"] = None
    assert "The broker does not answer" in told(server)


@pytest.mark.parametrize(
    ("pipeline", "step", "then"),
    [
        ("server.build", "spawn", "another host"),
        ("server.stop", "stop", "waits for the host"),
        ("server.migrate", "prepare", "otherwise the sweeper moves the migration to another host."),
        ("server.migrate", "copy", "otherwise the sweeper moves the migration to another host."),
        ("server.migrate", "power_off", "the run fails"),
        ("server.migrate", "revert", "the run continues without the host"),
    ],
)
def test_waiting_for_a_host_that_is_down(
    server: Server, start: Callable[..., Run], host: Host, pipeline: str, step: str, then: str
) -> None:
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    queue = "host.h1.long" if step == "copy" else "host.h1"
    start(pipeline=pipeline, host="h1", queue=queue, next_step=step)
    assert "The agent of h1 has not reported for 5 min. Start it; otherwise" in told(server)
    assert then in told(server)


def test_waiting_behind_long_steps(server: Server, start: Callable[..., Run], host: Host) -> None:
    """Celery knows no consumer of their queue: the host's heartbeat says that they are served."""
    start(pipeline="server.migrate", host="h1", queue="host.h1.long", next_step="copy")
    assert "The queue's worker is alive (the agent of h1)" in told(server)
    assert "no worker reads" not in told(server)


def test_a_migration_waits_for_the_host_of_its_step(server: Server, start: Callable[..., Run], host: Host) -> None:
    """The server's own host is up; the one that the step waits for is not."""
    long_ago = timezone.now() - timedelta(minutes=5)
    Host.objects.create(name="h2", number=2, hypervisor_type="QEMU", heartbeat_at=long_ago)
    Server.objects.update(host="h1", vm_state="active", task_state="resize_migrating")
    run = start(pipeline="server.migrate", host="h2", queue="host.h2", next_step="prepare")
    assert "The agent of h2 has not reported for 5 min." in told(server)
    Host.objects.filter(name="h2").delete()
    assert "There is no host h2 any more" in told(server)
    Host.objects.filter(name="h1").update(heartbeat_at=long_ago)
    Run.objects.filter(id=run.id).update(host="h1", queue="host.h1")
    assert "The agent of h1 has not reported for 5 min." in told(server)


def test_waiting_on_purpose(server: Server, start: Callable[..., Run]) -> None:
    start(not_before=timezone.now() + timedelta(minutes=1))
    assert "Waiting for a retry: the step schedule starts again at" in told(server)


def test_a_message_that_was_lost(server: Server, start: Callable[..., Run]) -> None:
    now = timezone.now()
    start(waiting_since=now - timedelta(seconds=100), enqueued_at=now - timedelta(seconds=1))
    assert "has waited 100 s in the queue" in told(server)
    assert "Its message was lost and resent at" in told(server)


def test_a_worker_that_died(server: Server, start: Callable[..., Run]) -> None:
    start(step_state="running", step_started_at=timezone.now(), host="h1")
    assert "The worker of the step schedule on h1 died" in told(server)


def test_a_worker_that_lives(server: Server, start: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    key = queues.claims.lock_key("server", server.id)
    monkeypatch.setattr(queues.runs, "held_locks", lambda: {key: 7})
    started = timezone.now() - timedelta(seconds=100)
    start(step_state="running", step_started_at=started, step_deadline_at=timezone.now())
    assert "Working: the step schedule has been running for 100 s; its worker is alive." in told(server)
    assert "The step is stopped at" in told(server)


@pytest.mark.parametrize(
    ("pipeline", "after"),
    [
        ("server.build", "the server becomes ERROR"),
        ("server.stop", "the server's state is read from its host"),
        ("server.migrate", "the server stays on its host"),
        ("server.delete", "the server becomes ERROR and can be deleted again"),
        ("volume.attach", "the run ends as failed"),
    ],
)
def test_undoing(server: Server, start: Callable[..., Run], pipeline: str, after: str) -> None:
    run = start(
        pipeline=pipeline, state="reverting", next_step="revert", error_message="The disk is full.", retrying=True
    )
    assert "Undoing create because: The disk is full. When that is done another attempt follows." in told(server)
    Run.objects.filter(id=run.id).update(retrying=False)
    assert f"When that is done {after}." in told(server)


def test_its_time_is_over(server: Server, start: Callable[..., Run]) -> None:
    start(deadline_at=timezone.now() - timedelta(seconds=1))
    assert "Its deadline ends now" in told(server)


def test_failed(server: Server, start: Callable[..., Run]) -> None:
    start(state="failed", error_cause="not_enough_space", attempt=2, error_message="No space.")
    Server.objects.update(vm_state="error", task_state="", fault_message="No space.")
    assert told(server).startswith(
        "Failed: No space. Cause: not_enough_space, after 2 attempts. The host's disk is full"
    )


def test_what_a_failed_server_keeps(server: Server, start: Callable[..., Run], host: Host) -> None:
    start(state="failed", error_cause="NoValidHost", error_message="No host.")
    Server.objects.update(vm_state="error", task_state="", fault_message="No host.")
    assert "The server keeps its quota only." in told(server)
    start(state="failed", pipeline="server.delete", action="delete", error_message="libvirt hangs.")
    Server.objects.update(host="h1", fault_message="libvirt hangs.")
    Allocation.objects.create(consumer_id=server.id, host=host, vcpus=1, ram_mib=1, disk_gib=1)
    assert "quota only" not in told(server)
    assert "It keeps its resources. Remove the cause; then the user can delete it again." in told(server)


def test_what_reconcilers_found(server: Server, start: Callable[..., Run], host: Host) -> None:
    start(state="succeeded")
    Server.objects.update(vm_state="active", task_state="", host="h1")
    Finding.objects.create(kind="files", subject=str(server.id), host="h1", found="none of its files are on the host")
    assert "A reconciler found on h1, since" in told(server)
    assert "none of its files are on the host. Action taken: none possible." in told(server)
    Finding.objects.update(resolved_at=timezone.now())
    assert "reconciler" not in told(server)
    Finding.objects.update(found="shut off", done="started: the machine restarted")
    assert "a reconciler repaired on h1: shut off: started: the machine restarted." in told(server)
    start(state="succeeded", action="stop")
    assert "reconciler" not in told(server)


def test_a_failed_action_of_a_server_that_runs(server: Server, start: Callable[..., Run], host: Host) -> None:
    start(state="failed", action="stop", error_cause="StepTimeout", error_message="It did not stop.")
    Server.objects.update(vm_state="active", task_state="", host="h1")
    assert "Done: the server is active on h1" in told(server)
    assert "Its last action (stop) failed: It did not stop. The step hung." in told(server)
    Host.objects.update(heartbeat_at=timezone.now() - timedelta(hours=3))
    assert "But h1 has not reported for 3 h" in told(server)


def test_lost(server: Server) -> None:
    assert told(server).startswith("Lost: the server is scheduling, but no run is active")


def test_a_live_migration(server: Server, start: Callable[..., Run]) -> None:
    """How long its guest was paused, and how its host was chosen, in words."""
    table = [{"filter": "failed_before", "in": 3, "out": 2}]
    values = {"pipeline": "server.live_migrate", "action": "live-migration", "state": "succeeded"}
    run = start(**values, explanation={"filters": table})
    Migration.objects.create(server=server, run_id=run.id, type="live-migration", status="completed", downtime_ms=87)
    page = text.render(collect.of_server(server))
    assert "The guest was paused for 87 ms." in page
    assert "neither left nor tried before in this run" in page and "failed_before" not in page


def test_what_a_deleted_server_still_holds(server: Server, start: Callable[..., Run], host: Host) -> None:
    start(state="succeeded", pipeline="server.delete", action="delete")
    Server.objects.update(vm_state="deleted", deleted_at=timezone.now(), task_state="")
    assert "Done: the server was deleted by u at" in told(server)
    assert "It still has" not in told(server)
    Allocation.objects.create(consumer_id=server.id, host=host, vcpus=1, ram_mib=1, disk_gib=1)
    assert "It still has capacity of h1, which it should not. Run celerity consistency." in told(server)


def test_a_story_costs_at_most_nineteen_queries(server: Server, start: Callable[..., Run], host: Host) -> None:
    for number in range(15):
        run = start(state="succeeded", request_id=f"req-{number}")
        now = timezone.now()
        for name in ("schedule", "spawn"):
            Step.objects.create(run=run, name=name, queue="q", enqueued_at=now, started_at=now, finished_at=now)
        audit.record("server.create", "server", server.id)
    start(host="h1")
    networks = [{"network_id": str(uuid.uuid4()), "fixed_ip": None, "port_id": None, "tag": None}]
    Server.objects.update(requested_networks=networks, image_id=uuid.uuid4())
    with CaptureQueriesContext(connection) as queries:
        call_command("why", "vm")
    assert len(queries) <= 19


def test_nothing_of_that_name(db: None) -> None:
    with pytest.raises(CommandError, match="Nothing has the id or the name nobody"):
        call_command("why", "nobody")
