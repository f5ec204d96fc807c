"""An action begins on the server's current row, not on the one that the caller read before."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common import dispatch
from apps.common.context import RequestContext
from apps.common.exceptions import Conflict
from apps.compute import states
from apps.compute.actions import CANCEL, MIGRATE, REBOOT, START, STOP, UNPAUSE
from apps.compute.exceptions import ServerInUse, ServerLocked, ServerNotFound, WrongState
from apps.compute.models import Server
from apps.compute.services import server_actions, servers
from apps.scheduling.selectors import hosts
from apps.workflow import catalogue
from apps.workflow.models import Run
from apps.workflow.services import runs

pytestmark = pytest.mark.django_db
MEMBER = RequestContext(user_id="u", project_id="p")
ADMIN = RequestContext(user_id="a", project_id="p", is_admin=True)


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_send", lambda run: None)


@pytest.fixture
def server() -> Server:
    """The server as a request read it: stopped, on host a."""
    return Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", reservation_id="r-1", vm_state="stopped", host="a",
        flavor={"vcpus": 1, "ram": 128, "disk": 1, "ephemeral": 0, "swap": 0},
    )  # fmt: skip


def change(server: Server, **values: Any) -> None:
    Server.objects.filter(id=server.id).update(**values)


def test_it_runs_on_the_host_that_the_server_moved_to(server: Server) -> None:
    change(server, host="b")
    server_actions.perform(context=MEMBER, server=server, action=START)
    run = Run.objects.get()
    assert (run.host, run.queue) == ("b", "host.b")


def test_a_move_begins_at_the_present_host(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "is_up", lambda name: True)
    change(server, host="b")
    server_actions.perform(context=ADMIN, server=server, action=MIGRATE)
    assert Run.objects.get().hosts == {"source": "b"}


@pytest.mark.parametrize(
    ("values", "refusal", "sentence"),
    [
        ({"locked": True}, ServerLocked, "is locked"),
        ({"locked": True, "vm_state": "active"}, ServerLocked, "is locked"),
        ({"host": ""}, Conflict, "it has no host"),
        ({"vm_state": "active"}, WrongState, "vm_state active"),
        ({"task_state": "powering-on"}, WrongState, "task_state powering-on"),
        ({"deleted_at": "2020-01-01T00:00Z"}, ServerNotFound, "could not be found"),
    ],
)
def test_what_changed_since_the_read_refuses_it(
    server: Server, values: dict[str, Any], refusal: type[Exception], sentence: str
) -> None:
    change(server, **values)
    before = Server.objects.values().get()
    with pytest.raises(refusal, match=sentence):
        server_actions.perform(context=MEMBER, server=server, action=START)
    assert Server.objects.values().get() == before
    assert not Run.objects.exists()


def test_administrators_pass_the_lock_and_a_lock_that_is_gone_refuses_nobody(server: Server) -> None:
    change(server, locked=True)
    server_actions.perform(context=ADMIN, server=server, action=START)
    Run.objects.all().delete()
    server.locked = True
    change(server, locked=False, task_state="", vm_state=states.ACTIVE)
    server_actions.perform(context=MEMBER, server=server, action=STOP)
    assert Run.objects.get().action == "stop"


def test_an_action_costs_two_statements(server: Server) -> None:
    with CaptureQueriesContext(connection) as queries:
        server_actions.begin(context=MEMBER, server=server, action=START)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 2


@pytest.fixture
def of_volumes() -> Iterator[None]:
    """Pipelines of another subject, which work on servers as well."""
    before = catalogue.everything()
    entry = {"subject": "volume", "steps": ("work",)}
    catalogue.fill(
        [
            *(row for row in before if row.name not in ("volume.attach", "volume.delete")),
            catalogue.Entry(name="volume.attach", **entry),  # type: ignore[arg-type]
            catalogue.Entry(name="volume.delete", releases=True, **entry),  # type: ignore[arg-type]
        ]
    )
    yield
    catalogue.fill(before)


def with_volume(server: Server, action: str) -> Run:
    return runs.start(
        context=MEMBER, pipeline=f"volume.{action}", action=action, subject_id=uuid.uuid4(),
        also=[("server", server.id)],
    )  # fmt: skip


@pytest.mark.parametrize("action", ["attach", "delete"])
def test_a_delete_takes_the_server_from_another_subjects_run(of_volumes: None, server: Server, action: str) -> None:
    other = with_volume(server, action)
    servers.delete(context=MEMBER, server=server)
    other.refresh_from_db()
    assert other.state == "cancelled"
    assert Server.objects.get().task_state == "deleting"
    assert Run.objects.get(state="queued").pipeline == "server.delete"
    servers.delete(context=MEMBER, server=server)
    assert Run.objects.filter(state="queued").count() == 1, "one delete at a time"


def test_an_action_beside_another_subjects_run_is_refused_by_its_name(of_volumes: None, server: Server) -> None:
    with_volume(server, "attach")
    with pytest.raises(ServerInUse, match=f"Cannot 'start' instance {server.id}: it is in use by 'attach'"):
        server_actions.perform(context=MEMBER, server=server, action=START)
    assert Server.objects.get().task_state == ""


def test_another_subjects_run_is_cancelled_from_the_server_unless_it_deletes(of_volumes: None, server: Server) -> None:
    other = with_volume(server, "delete")
    with pytest.raises(Conflict, match="a delete cannot be cancelled"):
        server_actions.perform(context=ADMIN, server=server, action=CANCEL)
    runs.cancel_active(subject_type="server", subject_id=server.id, reason="x")
    other = with_volume(server, "attach")
    assert server_actions.perform(context=ADMIN, server=server, action=CANCEL) == "attach"
    other.refresh_from_db()
    assert other.state == "reverting"


def reboot(server: Server, *, hard: bool) -> None:
    server_actions.perform(context=MEMBER, server=server, action=REBOOT, arguments={"hard": hard})


@pytest.mark.parametrize("earlier", ["soft", "hard", "unpause"])
def test_a_hard_reboot_replaces_what_does_not_end(server: Server, earlier: str) -> None:
    change(server, vm_state=states.PAUSED if earlier == "unpause" else states.ACTIVE)
    if earlier == "unpause":
        server_actions.perform(context=MEMBER, server=server, action=UNPAUSE)
    else:
        reboot(server, hard=earlier == "hard")
    first = Run.objects.get()
    reboot(server, hard=True)
    first.refresh_from_db()
    assert (first.state, first.token, first.error_message) == ("cancelled", 2, "A hard reboot replaced it.")
    second = Run.objects.get(state="queued")
    assert (second.action, second.params["hard"], second.host) == ("reboot", True, "a")
    assert Server.objects.get().task_state == states.REBOOTING_HARD


@pytest.mark.parametrize("task_state", [states.POWERING_OFF, states.RESIZE_MIGRATING, states.DELETING])
def test_a_hard_reboot_replaces_nothing_else(server: Server, task_state: str) -> None:
    change(server, vm_state=states.ACTIVE, task_state=task_state)
    with pytest.raises(WrongState, match=f"task_state {task_state}"):
        reboot(server, hard=True)


def test_a_soft_reboot_replaces_nothing(server: Server) -> None:
    change(server, vm_state=states.ACTIVE)
    reboot(server, hard=True)
    with pytest.raises(WrongState, match="task_state rebooting_hard"):
        reboot(server, hard=False)
    assert Run.objects.get().state == "queued"
