"""A task without an open run is ended, but not one whose request is about to commit."""

import threading
import uuid

import pytest
from django.db import connection, transaction

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.compute.models import Server
from apps.compute.services import server_states
from apps.workflow.services import runs
from tests.cloud import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
FLAVOR = {"vcpus": 1, "ram": 128, "disk": 1, "ephemeral": 0, "swap": 0}


def new_server(**values: object) -> Server:
    fixed = {"project_id": "p", "user_id": "u", "name": "s", "hostname": "s", "reservation_id": "r-1"}
    return Server.objects.create(flavor=FLAVOR, **fixed, **values)


def start(server_id: uuid.UUID) -> None:
    runs.start(
        context=RequestContext(user_id="u", project_id="p"), pipeline="server.stop", action="stop",
        subject_id=server_id,
    )  # fmt: skip


def test_a_build_and_a_task_are_ended() -> None:
    building, stopping, resting = (
        new_server(),
        new_server(vm_state="active", task_state="x"),
        new_server(vm_state="active"),
    )
    assert server_states.end_orphaned_task(server_id=building.id, message="Lost.") == ("building", "")
    assert server_states.end_orphaned_task(server_id=stopping.id, message="Lost.") == ("active", "x")
    assert server_states.end_orphaned_task(server_id=resting.id, message="Lost.") is None
    rows = dict(Server.objects.values_list("id", "fault_message"))
    assert rows == {building.id: "Lost.", stopping.id: "", resting.id: ""}
    assert set(Server.objects.values_list("vm_state", "task_state")) == {("error", ""), ("active", "")}


def test_what_begins_in_this_moment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request has changed the row and not committed yet: the reconciler waits for it, and then sees its run."""
    monkeypatch.setattr(dispatch, "_send", lambda run: True)
    server = new_server(vm_state="active", task_state="left over")
    said: list[object] = []

    def reconcile() -> None:
        said.append(server_states.end_orphaned_task(server_id=server.id, message="Lost."))
        connection.close()

    with transaction.atomic():
        Server.objects.filter(id=server.id).update(task_state="powering-off")
        thread = threading.Thread(target=reconcile)
        thread.start()
        with connection.cursor() as cursor:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            wait_for(lambda: cursor.execute(waiting) or cursor.fetchone()[0], what="a reconciler that waits")
        start(server.id)
    thread.join()
    assert said == [None]
    assert Server.objects.get().task_state == "powering-off"
