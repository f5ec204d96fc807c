"""Lists of migrations: filters, pages and documents by microversion."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import Migration, Server
from apps.compute.services import migrations
from tests.api.compute.conftest import ComputeCaller

BASE = {
    "id", "status", "instance_uuid", "source_node", "source_compute", "dest_node", "dest_compute", "dest_host",
    "old_instance_type_id", "new_instance_type_id", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def rows(alice: ComputeCaller, make_server: Any, make_host: Any) -> list[Migration]:
    """A resize that was confirmed, one that is to be, and a live migration under way, of three servers."""
    make_host("h2", 2, address="10.0.0.2")
    kinds = (
        ("resize", "confirmed", "h1", "h2"),
        ("resize", "finished", "h2", "h1"),
        ("live-migration", "running", "h1", "h2"),
    )
    return [
        Migration.objects.create(
            server=make_server(alice), type=kind, status=status, source=source, destination=destination,
            run_id=uuid.uuid4(), user_id="u", project_id="p", memory_total=7, disk_remaining=3,
            created_at=timezone.now() - timedelta(minutes=9 - number),
        )
        for number, (kind, status, source, destination) in enumerate(kinds)
    ]  # fmt: skip


def test_list(admin: ComputeCaller, alice: ComputeCaller, rows: list[Migration]) -> None:
    newest = admin.get("/os-migrations").json()["migrations"]
    assert [row["id"] for row in newest] == [row.id for row in reversed(rows)]
    shown = set(BASE)
    assert set(newest[0]) == shown and newest[0]["dest_host"] == "10.0.0.2"
    for version, keys in (
        ("2.23", {"migration_type", "links"}),
        ("2.59", {"uuid"}),
        ("2.80", {"user_id", "project_id"}),
    ):
        shown |= keys
        assert set(admin.at(version).get("/os-migrations").json()["migrations"][0]) == shown
    assert alice.get("/os-migrations").status_code == 403


@pytest.mark.parametrize(
    ("version", "query", "expected"),
    [
        ("2.1", {"status": "finished"}, [1]),
        ("2.1", {"host": "h2", "migration_type": "resize"}, [1, 0]),
        ("2.1", {"source_compute": "h1", "x": "y"}, [2, 0]),
        ("2.1", {"instance_uuid": "nonsense"}, []),
        ("2.1", {"hidden": "true"}, []),
        ("2.1", {"limit": "1", "project_id": "x"}, [2, 1, 0]),
        ("2.59", {"limit": "1"}, [2]),
        ("2.59", {"changes-since": "2999-01-01T00:00:00Z"}, []),
        ("2.59", {"limit": "x"}, 400),
        ("2.59", {"marker": "x"}, 400),
        ("2.59", {"x": "y"}, 400),
        ("2.59", {"changes-before": "2020-01-01T00:00:00Z"}, 400),
        ("2.66", {"changes-since": "2020-01-02T00:00:00Z", "changes-before": "2020-01-01T00:00:00Z"}, 400),
        ("2.66", {"changes-before": "2020-01-01T00:00:00Z"}, []),
        ("2.80", {"project_id": "p", "user_id": "v"}, []),
    ],
)
def test_filters(
    admin: ComputeCaller, rows: list[Migration], version: str, query: dict[str, str], expected: Any
) -> None:
    answer = admin.at(version).get("/os-migrations", **query)
    if isinstance(expected, int):
        assert answer.status_code == expected
    else:
        assert [row["id"] for row in answer.json()["migrations"]] == [rows[number].id for number in expected]


def test_pages(admin: ComputeCaller, rows: list[Migration]) -> None:
    page = admin.at("2.59").get("/os-migrations", limit="2").json()
    assert f"marker={rows[1].uuid}" in page["migrations_links"][0]["href"]
    rest = admin.at("2.59").get("/os-migrations", marker=str(rows[1].uuid)).json()
    assert [row["id"] for row in rest["migrations"]] == [rows[0].id] and "migrations_links" not in rest


def test_of_server(admin: ComputeCaller, alice: ComputeCaller, rows: list[Migration]) -> None:
    live, resize = rows[2], rows[1]
    path = f"/servers/{live.server_id}/migrations"
    assert admin.at("2.22").get(path).status_code == 404
    listed = admin.at("2.23").get(path).json()["migrations"]
    assert [(row["id"], row["memory_total_bytes"], row["disk_remaining_bytes"]) for row in listed] == [(live.id, 7, 3)]
    shown = admin.at("2.80").get(f"{path}/{live.id}").json()["migration"]
    assert (shown["uuid"], shown["server_uuid"], shown["user_id"]) == (str(live.uuid), str(live.server_id), "u")
    of_resize = f"/servers/{resize.server_id}/migrations"
    assert admin.at("2.23").get(of_resize).json() == {"migrations": []}
    for wrong in (f"{of_resize}/{resize.id}", f"{path}/{resize.id}", f"{path}/x", f"{path}/{'9' * 30}"):
        assert admin.at("2.23").get(wrong).status_code == 404
    assert alice.at("2.23").get(path).status_code == 403


def test_managers_of_the_project(alice: ComputeCaller, rows: list[Migration], no_broker: Any, make_host: Any) -> None:
    """They move its servers, but not where, list what it began, and see no hosts."""
    make_host("h1", 1)
    who = ComputeCaller(alice.prefix, roles=("manager", "member", "reader"), project_id=alice.project_id).at("2.80")
    live, hosts = rows[2], ("source_compute", "source_node", "dest_compute", "dest_node", "dest_host")
    Migration.objects.filter(id=live.id).update(project_id=alice.project_id)
    assert who.get("/os-migrations").status_code == 403
    assert who.get("/os-migrations", project_id="p").status_code == 403
    for version in ("2.1", "2.80"):
        [row] = who.at(version).get("/os-migrations", project_id=alice.project_id).json()["migrations"]
        assert row["id"] == live.id and {row[name] for name in hosts} == {None}
    path = f"/servers/{live.server_id}/migrations"
    [row] = who.get(path).json()["migrations"]
    assert row["id"] == live.id and {row[name] for name in hosts} == {None}
    assert who.get(f"{path}/{live.id}").status_code == 403
    assert who.post(f"{path}/{live.id}/action", {"force_complete": None}).status_code == 202
    act = f"/servers/{rows[0].server_id}/action"
    moves = ({"os-migrateLive": {"block_migration": "auto", "host": "h2"}}, {"migrate": {"host": "h2"}})
    assert [who.post(act, body).status_code for body in moves] == [403, 403]
    Server.objects.filter(id=rows[0].server_id).update(host="h1")
    assert who.post(act, {"migrate": None}).status_code == 202
    assert alice.at("2.80").post(act, {"migrate": None}).status_code == 403
    Server.objects.filter(id=rows[0].server_id).update(host="h3", task_state="")
    answer = who.post(act, {"os-migrateLive": {"block_migration": "auto", "host": None}})
    assert answer.status_code == 409 and "h3" not in answer.text


def test_writes(alice: ComputeCaller, server: Server) -> None:
    run_id = uuid.uuid4()
    row = migrations.create(context=alice.context, server=server, run_id=run_id, type_="migration", status="migrating")
    migrations.count(run_id=run_id, disk_total=5)
    assert migrations.advance(run_id=run_id, status="error", destination="h2")
    assert not migrations.advance(run_id=run_id, status="finished")
    row.refresh_from_db()
    assert (row.status, row.destination, row.disk_total) == ("error", "h2", 5)
    assert migrations.prune(days=1) == 0 and migrations.prune(days=-1) == 1


def test_only_administrators_choose_the_host(
    alice: ComputeCaller, admin: ComputeCaller, make_server: Any, make_host: Any, no_broker: Any
) -> None:
    """Of a server that is unshelved; the field came with 2.91."""
    make_host("h1", 1)
    make_host("h2", 2, zone="b", forced_down=True)
    server = make_server(alice, vm_state="shelved_offloaded", requested_zone="b")
    path, body = f"/servers/{server.id}/action", {"unshelve": {"host": "h1"}}
    assert {admin.at(version).post(path, body).status_code for version in ("2.77", "2.90")} == {400}
    assert alice.at("2.91").post(path, body).status_code == 403
    assert admin.at("2.90").post(path, body).status_code == 400
    assert alice.at("2.91").post(path, {"migrate": {"host": "h1"}}).status_code == 403
    for asked, code, text in (
        ({"host": "h1"}, 409, "is not in the availability zone"), ({"host": "h2"}, 400, "h2 is unavailable"),
        ({"availability_zone": "nova", "host": "h9"}, 400, "could not be found"),
    ):  # fmt: skip
        answer = admin.at("2.91").post(path, {"unshelve": asked})
        assert (answer.status_code, text in answer.text) == (code, True), answer.text
    Server.objects.update(vm_state="shelved", host="h1")
    assert "must be SHELVED_OFFLOADED" in admin.at("2.91").post(path, body).json()["conflictingRequest"]["message"]
    Server.objects.update(vm_state="shelved_offloaded", host="", requested_zone="")
    assert admin.at("2.91").post(path, body).status_code == 202
