"""Live migration by the API: bodies by microversion, hosts that cannot be, and what is done to one under way."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import Migration, Server
from apps.compute.services import live_states, migrations
from apps.scheduling.models import Host
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller

NOTHING = ""  # an answer without a body
OLD = {"block_migration": False, "disk_over_commit": False}


@pytest.fixture
def server(alice: ComputeCaller, make_server: Any, make_host: Any) -> Server:
    make_host("h1", 1)
    make_host("h2", 2)
    make_host("full", 4).inventory.delete()
    make_host("gone", 3, heartbeat_at=timezone.now() - timedelta(days=1))
    row: Server = make_server(alice, host="h1")
    return row


@pytest.mark.parametrize(
    ("version", "body", "code", "text"),
    [
        ("2.1", {"host": None, **OLD}, 202, ""),
        ("2.1", {"host": "h2", **OLD}, 202, ""),
        ("2.1", {"host": "h2", "block_migration": True}, 400, "disk_over_commit"),
        ("2.1", {"host": "h2", "block_migration": "auto", "disk_over_commit": False}, 400, "block_migration"),
        ("2.33", {"host": "full", "block_migration": "auto"}, 400, "No valid host was found"),
        ("2.34", {"host": "full", "block_migration": "auto"}, 202, ""),
        ("2.25", {"host": None, "block_migration": "auto"}, 202, ""),
        ("2.25", {"host": None, **OLD}, 400, "os-migrateLive"),
        ("2.25", {"host": None, "block_migration": "auto", "force": True}, 400, "os-migrateLive"),
        ("2.30", {"host": None, "block_migration": "auto", "force": True}, 400, "Can't force to a non-provided"),
        ("2.30", {"host": "h2", "block_migration": "auto", "force": True}, 202, ""),
        ("2.68", {"host": "h2", "block_migration": "auto", "force": True}, 400, "os-migrateLive"),
        ("2.90", {"host": "h1", "block_migration": "auto"}, 400, "to current host (h1)"),
        ("2.90", {"host": "h9", "block_migration": "auto"}, 400, "Compute host h9 could not be found."),
        ("2.90", {"host": "gone", "block_migration": "auto"}, 400, "Compute service of gone is unavailable"),
        ("2.90", {"host": "a b", "block_migration": "auto"}, 400, "host"),
    ],
)
def test_bodies(
    admin: ComputeCaller, no_broker: list[Any], server: Server, version: str, body: Any, code: int, text: str
) -> None:
    answer = admin.at(version).post(f"/servers/{server.id}/action", {"os-migrateLive": body})
    assert (answer.status_code, text in answer.text) == (code, True), answer.text
    server.refresh_from_db()
    moving = code == 202
    assert (server.task_state, Migration.objects.count()) == (("migrating", 1) if moving else ("", 0))
    if moving:
        row = Migration.objects.get()
        assert (row.type, row.status, row.source, row.destination) == (
            "live-migration", "queued", "h1", body["host"] or "",
        )  # fmt: skip
        assert Run.objects.get(id=row.run_id).hosts == {"source": "h1"}


@pytest.mark.parametrize(
    ("version", "body", "code", "text"),
    [
        ("2.1", {"onSharedStorage": False}, 200, "adminPass"),
        ("2.1", {"onSharedStorage": True}, 200, "{}"),
        ("2.1", {"onSharedStorage": True, "adminPass": "x"}, 400, "can't be changed on existing disk"),
        ("2.1", {}, 400, "evacuate"),
        ("2.14", {"onSharedStorage": False}, 400, "evacuate"),
        ("2.13", {"onSharedStorage": False, "host": "h2", "adminPass": "x"}, 200, '"adminPass":"x"'),
        ("2.14", {"host": "h2", "adminPass": "x"}, 200, NOTHING),
        ("2.29", {"force": True}, 400, "Can't force"),
        ("2.68", {"force": True, "host": "h2"}, 400, "evacuate"),
        ("2.68", {"host": "gone"}, 400, "The target host can't be the same one."),
        ("2.68", {"host": "h9"}, 404, "Compute host h9 not found."),
        ("2.68", {"host": "silent"}, 400, "Compute service of silent is unavailable"),
        ("2.95", {}, 200, NOTHING),
    ],
)
def test_evacuate(
    admin: ComputeCaller, no_broker: Any, server: Server, make_host: Any, version: str, body: Any, code: int, text: str
) -> None:
    """From a host that an operator has forced down, and from no other: a host that is silent may run its guests."""
    make_host("silent", 5, heartbeat_at=timezone.now() - timedelta(days=1))
    path = f"/servers/{server.id}/action"
    for host in ("h1", "gone"):
        Server.objects.update(host=host)
        answer = admin.at("2.90").post(path, {"evacuate": {}})
        assert (answer.status_code, f"Compute service of {host} is still in use." in answer.text) == (400, True)
    Host.objects.filter(name="gone").update(forced_down=True)
    answer = admin.at(version).post(path, {"evacuate": body})
    assert (answer.status_code, text in answer.text) == (code, True), answer.text
    assert text != NOTHING or not answer.content
    server.refresh_from_db()
    assert server.task_state == ("rebuilding" if code == 200 else "")
    if code == 200:
        row = Migration.objects.get()
        assert (row.type, row.status, row.source) == ("evacuation", "accepted", "gone")
        assert Run.objects.get(id=row.run_id).params.get("stopped") is (version == "2.95")


def test_who_and_in_which_state(
    admin: ComputeCaller, alice: ComputeCaller, no_broker: list[Any], server: Server, make_server: Any
) -> None:
    body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    assert alice.at("2.90").post(f"/servers/{server.id}/action", body).status_code == 403
    stopped = make_server(alice, host="h1", vm_state="stopped")
    answer = admin.at("2.90").post(f"/servers/{stopped.id}/action", body)
    assert answer.status_code == 409 and "vm_state stopped" in answer.text
    lost = make_server(alice, host="gone")
    answer = admin.at("2.90").post(f"/servers/{lost.id}/action", body)
    assert answer.status_code == 400 and "Compute service of gone" in answer.text
    assert not Migration.objects.exists()


def test_progress(alice: ComputeCaller, server: Server) -> None:
    """Of a live migration what is copied; of other moves and rebuilds nothing until they are over."""
    run_id, shown = uuid.uuid4(), []
    values = {"server": server, "type": "live-migration", "status": "running", "run_id": run_id}
    Migration.objects.create(**values, old_vm_state="active")
    for vm_state, task_state in (("active", "migrating"), ("active", "rebuilding"), ("stopped", "")):
        Server.objects.update(vm_state=vm_state, task_state=task_state, progress=0)
        migrations.count(run_id=run_id, memory_total=60, memory_remaining=10, disk_total=20, disk_remaining=10)
        shown.append(alice.get(f"/servers/{server.id}").json()["server"].get("progress"))
    live_states.complete(server_id=server.id, run_id=run_id)
    Server.objects.update(vm_state="resized")
    assert [*shown, alice.get(f"/servers/{server.id}").json()["server"]["progress"]] == [75, 0, None, 100]


def test_what_is_done_to_one_under_way(
    admin: ComputeCaller, alice: ComputeCaller, no_broker: list[Any], server: Server
) -> None:
    body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    assert admin.at("2.90").post(f"/servers/{server.id}/action", body).status_code == 202
    row = Migration.objects.get()
    path, force = f"/servers/{server.id}/migrations/{row.id}", {"force_complete": None}
    assert alice.at("2.90").post(f"{path}/action", force).status_code == 403
    assert admin.at("2.21").post(f"{path}/action", force).status_code == 404
    answer = admin.at("2.90").post(f"{path}/action", force)
    assert answer.status_code == 400 and "is queued. Cannot force complete" in answer.text
    assert admin.at("2.90").post(f"{path}/action", {"force_complete": 1}).status_code == 400
    assert admin.at("2.90").post(f"{path}/action", {}).status_code == 400
    assert alice.at("2.90").delete(path).status_code == 403
    assert admin.at("2.23").delete(path).status_code == 404
    assert admin.at("2.64").delete(path).status_code == 400
    assert admin.at("2.90").delete(f"/servers/{server.id}/migrations/9{row.id}").status_code == 404
    Migration.objects.update(status="running")
    Server.objects.update(vm_state="paused")
    assert admin.at("2.90").post(f"{path}/action", force).status_code == 409
    Server.objects.update(vm_state="active")
    assert admin.at("2.90").post(f"{path}/action", force).status_code == 202
    row.refresh_from_db()
    assert row.forced
    assert admin.at("2.24").delete(path).status_code == 202
    run = Run.objects.get(id=row.run_id)
    assert run.state == "reverting" and uuid.UUID(str(run.id)) == row.run_id
    listed = alice.at("2.90").get(f"/servers/{server.id}/os-instance-actions").json()["instanceActions"]
    assert [one["action"] for one in listed] == [
        "live_migration_cancel", "live_migration_force_complete", "live-migration"
    ]  # fmt: skip
