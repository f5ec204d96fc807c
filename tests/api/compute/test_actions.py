"""The catalogue of server actions and its readers. A new action needs one row."""

import inspect
from typing import Any

import pytest
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator

from apps.common import policy
from apps.common.admin import operations
from apps.common.exceptions import BadRequest
from apps.compute import actions, states
from apps.compute.actions import ACTIONS, Button, ServerAction
from apps.compute.admin.server_operations import operation_of
from apps.compute.api.views.actions import check_body
from apps.compute.management.commands import action_docs
from apps.compute.models import Server
from apps.compute.services import server_actions
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller
from workers.pipelines.registry import PIPELINES
from workers.tasks.servers.base import ServerStep

DANCE = ServerAction(
    name="dance", key="os-dance", rule="servers:stop", title="Dance", icon="celebration", explains="Turns it round.",
    body={
        "type": "object", "required": ["steps"], "additionalProperties": False,
        "properties": {"steps": {"type": "integer", "description": "a number of steps"}},
        "description": "an object with steps",
    },
    arguments=lambda body: {"steps": body["steps"]}, defaults={"steps": 3},
    vm_states=(states.ACTIVE,), task_state=states.POWERING_OFF, pipeline="server.stop", repeatable=True,
    button=Button(done="{server} dances {steps} steps."),
)  # fmt: skip
GOOD: dict[str, Any] = {
    "createImage": {"name": "image"},
    "createBackup": {"name": "backup", "backup_type": "daily", "rotation": 2},
    "changePassword": {"adminPass": "a new password"},
    "rebuild": {"imageRef": "11111111-1111-1111-1111-111111111111"},
    "reboot": {"type": "SOFT"},
    "resize": {"flavorRef": "8"},
    "evacuate": {"host": "h2"},
    "live-migration": {"host": None, "block_migration": "auto"},
    "resetState": {"state": "error"},
    "addSecurityGroup": {"name": "default"},
    "removeSecurityGroup": {"name": "default"},
    "addFloatingIp": {"address": "198.18.3.9"},
    "removeFloatingIp": {"address": "198.18.3.9"},
    "addFixedIp": {"networkId": "11111111-1111-1111-1111-111111111111"},
    "removeFixedIp": {"address": "10.9.0.9"},
    "detach_interface": {"port_id": "11111111-1111-1111-1111-111111111111"},
    "attach_volume": {"volume_id": "11111111-1111-1111-1111-111111111111"},
    "swap_volume": {"device": None, "volume_id": "11111111-1111-1111-1111-111111111111"},
    "detach_volume": {"volume_id": "11111111-1111-1111-1111-111111111111"},
}


@pytest.mark.usefixtures("no_broker")
def test_a_row_is_all_that_a_new_action_needs(
    monkeypatch: pytest.MonkeyPatch, alice: ComputeCaller, server: Server
) -> None:
    monkeypatch.setitem(ACTIONS, DANCE.name, DANCE)
    Server.objects.update(host="h1")
    path = f"/servers/{server.id}/action"
    refused = alice.post(path, {"os-dance": {"steps": "many"}})
    assert refused.status_code == 400 and "steps: it must be a number of steps." in str(refused.json())
    assert alice.post(path, {"os-dance": {"steps": 7}}).status_code == 202
    server.refresh_from_db()
    run = Run.objects.get()
    assert (server.task_state, run.pipeline, run.action, run.params["steps"]) == (
        states.POWERING_OFF, "server.stop", "dance", 7,
    )  # fmt: skip
    again = alice.post(path, {"os-dance": {"steps": 7}})
    assert again.status_code == 409 and "Cannot 'dance' instance" in str(again.json())
    assert actions.of_run(pipeline="server.stop", name="dance") is DANCE
    assert body_of_the_call()["os-dance"]["required"] == ["steps"]
    assert "| Dance | `os-dance` | 2.1 | `servers:stop` | members | active |" in action_docs.page()
    assert "- **Dance**: Turns it round." in action_docs.page()
    button = operation_of(DANCE, DANCE.button)  # type: ignore[arg-type]
    assert (button.name, button.title, button.rule) == ("dance", "Dance", "os_compute_api:servers:stop")


def body_of_the_call() -> dict[str, Any]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    posted = schema["paths"]["/compute/v2.1/servers/{server_id}/action"]["post"]["requestBody"]
    properties: dict[str, Any] = posted["content"]["application/json"]["schema"]["properties"]
    return properties


def test_the_description_has_every_action() -> None:
    assert set(body_of_the_call()) == {row.key for row in ACTIONS.values() if row.key}


def test_an_action_of_a_later_version_is_unknown_before_it(
    monkeypatch: pytest.MonkeyPatch, alice: ComputeCaller, server: Server
) -> None:
    from dataclasses import replace

    from apps.common.microversions import since

    monkeypatch.setitem(ACTIONS, "unlock", replace(actions.UNLOCK, versions=since("2.90")))
    path = f"/servers/{server.id}/action"
    assert alice.at("2.89").post(path, {"unlock": None}).status_code == 404
    assert alice.at("2.90").post(path, {"unlock": None}).status_code == 202


def test_operators_pages_have_every_button() -> None:
    buttons = {operation_of(row, row.button).name for row in ACTIONS.values() if row.button}
    offered = {operation.name for operation in operations.of("compute.server")}
    assert offered == buttons and {"retry", "cancel"} <= offered


@pytest.mark.parametrize("row", ACTIONS.values(), ids=lambda row: row.name)
def test_a_row_names_what_exists(row: ServerAction) -> None:
    assert policy.rules()[row.policy] == row.who
    check_body(row, GOOD.get(row.name))
    given = row.arguments(GOOD.get(row.name))
    assert not row.defaults or set(row.defaults) == set(given)
    if row.service:
        context = {"context": None} if row.changes else {}
        inspect.signature(server_actions.service_of(row.service)).bind(server=None, **context, **given)
    else:
        assert row.pipeline and row.vm_states
    if row.pipeline:
        assert PIPELINES[row.pipeline].subject.name == "server"
    if row.button:
        assert row.button.done.format(server="vm", **{"state": "x", "result": "x", **row.defaults}) != row.button.done


def test_pipelines_enter_the_states_of_their_actions() -> None:
    for row in ACTIONS.values():
        steps = PIPELINES[row.pipeline].steps if row.pipeline else ()
        entered = [step.task_state for step in steps if isinstance(step, ServerStep) and step.task_state]
        path = [row.task_state, *row.task_states]
        by_steps = path[1:] if row.makes_image else path  # its service enters the first
        if row.name == "unshelve":  # the step that starts the guest enters it just before
            by_steps = [state for state in by_steps if state != "spawning"]
        assert list(dict.fromkeys(entered)) in ([], by_steps), row.name
        assert {*entered, row.task_state, row.hard.task_state if row.hard else ""} - {""} <= set(actions.TRANSITIONS)


def test_a_pipeline_moves_on_from_state_to_state() -> None:
    build = ("scheduling", "networking", "block_device_mapping", "spawning")
    assert set(actions.TRANSITIONS["scheduling"]) == {"", *build}
    assert set(actions.TRANSITIONS["networking"]) == {"scheduling", "networking"}
    assert set(actions.TRANSITIONS["spawning"]) == {"block_device_mapping", "unshelving", "spawning"}
    assert set(actions.TRANSITIONS["resize_prep"]) == {"", "resize_prep", "resize_migrating", "resize_finish"}
    assert set(actions.TRANSITIONS["rebuild_spawning"]) == {"rebuilding", "rebuild_spawning"}
    assert set(actions.TRANSITIONS["resize_finish"]) == {"resize_migrating", "resize_finish"}
    assert set(actions.TRANSITIONS["powering-on"]) == {"", "powering-on"}
    snapshot = ("image_snapshot", "image_uploading")
    assert set(actions.TRANSITIONS["image_snapshot"]) == {"image_snapshot_pending", "image_backup", *snapshot}
    assert set(actions.TRANSITIONS["image_uploading"]) == set(snapshot)
    assert set(actions.TRANSITIONS["rebooting_hard"]) == {
        "", "rebooting", "rebooting_hard", "pausing", "unpausing", "suspending", "resuming",
    }  # fmt: skip


def test_the_page_of_the_documentation_is_current() -> None:
    assert action_docs.PAGE.read_text() == action_docs.page(), "run `celerity action_docs`"


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("createImage", {}, "createImage"), ("createImage", {"name": " a"}, "name"),
        ("createImage", {"name": "a", "metadata": {"k": 1}}, "k"), ("createImage", {"name": "a\n"}, "name"),
        ("createImage", {"name": "a", "metadata": {"k!": "v"}}, "metadata"),
        ("createBackup", {"name": "a", "backup_type": "d", "rotation": -1}, "rotation"),
        ("createBackup", {"name": "a", "backup_type": "d", "rotation": 2**31}, "rotation"),
        ("createBackup", {"name": "a", "backup_type": "d", "rotation": 1e300}, "rotation"),
        ("createBackup", {"name": "a", "backup_type": 1, "rotation": 1}, "backup_type"),
        ("changePassword", {"adminPass": ""}, "adminPass"), ("changePassword", {"adminPass": "a\n"}, "adminPass"),
        ("reboot", None, "reboot"), ("reboot", {}, "reboot"), ("reboot", {"type": "MILD"}, "type"),
        ("reboot", {"type": ["SOFT"]}, "type"), ("reboot", {"type": "SOFT", "x": 1}, "reboot"),
        ("resetState", {"state": "deleted"}, "state"), ("lock", [], "lock"), ("lock", {"x": 1}, "lock"),
        ("lock", {"locked_reason": ""}, "locked_reason"), ("lock", {"locked_reason": "x" * 256}, "locked_reason"),
        ("addSecurityGroup", {"name": " \n"}, "name"), ("addSecurityGroup", {"name": "a\0"}, "name"),
        ("removeSecurityGroup", {"name": "a", "x": 1}, "removeSecurityGroup"),
        ("getConsoleOutput", {"length": True}, "length"), ("getConsoleOutput", {"length": -2}, "length"),
        ("getConsoleOutput", {"length": 1.5}, "length"), ("getConsoleOutput", 7, "os-getConsoleOutput"),
    ],
)  # fmt: skip
def test_bad_bodies(name: str, value: Any, field: str) -> None:
    with pytest.raises(BadRequest, match=f"field/attribute {field}: it must be "):
        check_body(ACTIONS[name], value)


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("start", {"any": "thing"}, {}), ("reboot", {"type": "soft"}, {"hard": False}),
        ("reboot", {"type": "HARD"}, {"hard": True}), ("lock", None, {"reason": None}),
        ("lock", {"locked_reason": "why"}, {"reason": "why"}), ("getConsoleOutput", None, {"lines": None}),
        ("getConsoleOutput", {"length": None}, {"lines": None}), ("getConsoleOutput", {"length": -1}, {"lines": None}),
        ("getConsoleOutput", {"length": "12"}, {"lines": 12}), ("getConsoleOutput", {}, {"lines": None}),
        ("getConsoleOutput", {"length": 10**12}, {"lines": 100_000}),
    ],
)  # fmt: skip
def test_arguments(name: str, value: Any, arguments: dict[str, Any]) -> None:
    check_body(ACTIONS[name], value)
    assert ACTIONS[name].arguments(value) == arguments


def test_again_is_of_the_same_action_and_pipeline() -> None:
    repeated = {row.name for row in ACTIONS.values() if actions.of_run(pipeline=row.pipeline, name=row.name)}
    assert repeated == {row.name for row in ACTIONS.values() if row.repeatable}
    assert actions.of_run(pipeline="server.build", name="create") is None
    assert actions.of_run(pipeline="server.stop", name="start") is None


def test_buttons_are_offered_where_the_row_admits_the_action() -> None:
    stop = operation_of(actions.STOP, actions.STOP.button)  # type: ignore[arg-type]
    reset = operation_of(actions.RESET_STATE, actions.RESET_STATE.button)  # type: ignore[arg-type]
    idle = Server(host="h1", vm_state=states.ERROR)
    assert stop.offered(idle) and reset.offered(idle)
    idle.host = ""
    assert not stop.offered(idle) and reset.offered(idle)
    assert not stop.offered(Server(host="h1", vm_state=states.STOPPED))
    assert not stop.offered(Server(host="h1", vm_state=states.ACTIVE, task_state=states.REBOOTING))
    assert reverse("admin:compute_server_operation", args=[idle.pk, reset.name]).endswith("/reset-state/")
    assert reset.form is not None and list(reset.form().fields) == ["state"]
