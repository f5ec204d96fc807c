"""Backups over HTTP: life, documents by microversion, lists, operators' actions, and what bad input gets."""

import uuid
from typing import Any

import pytest

from apps.quotas.services import limits, verification
from apps.volumes.models import Backup, Volume
from apps.volumes.services import backup_states
from apps.workflow.models import Run
from tests.api.volumes.conftest import end_runs, refusal, set_status

SHOWN = {
    "id", "name", "links", "status", "size", "object_count", "availability_zone", "container", "created_at",
    "updated_at", "description", "fail_reason", "volume_id", "is_incremental", "has_dependent_backups", "snapshot_id",
    "data_timestamp",
}  # fmt: skip


@pytest.fixture
def make(make_volume: Any) -> Any:
    def make(who: Any, volume: Any = None, **values: Any) -> Any:
        volume = volume or make_volume(who)
        answer = who.post("/backups", {"backup": {"volume_id": volume["id"], **values}})
        assert answer.status_code == 202, answer.content
        row = Backup.objects.get(id=answer.json()["backup"]["id"])
        assert backup_states.mark_available(backup=row, objects=3, stored_bytes=9)
        end_runs()
        return who.get(f"/backups/{row.id}").json()["backup"]

    return make


def test_life(alice: Any, bob: Any, make_volume: Any) -> None:
    volume = make_volume(alice, size=2)
    body = {"backup": {"volume_id": volume["id"], "name": "b", "description": None, "container": None,
                       "snapshot_id": None, "force": False, "incremental": False}}  # fmt: skip
    answer = alice.post("/backups", body)
    assert answer.status_code == 202
    made = answer.json()["backup"]
    assert set(made) == {"id", "name", "links"}
    path, run = f"/backups/{made['id']}", Run.objects.get(subject_id=made["id"])
    assert (run.host, run.also) == ("h1", [f"volume:{volume['id']}"])
    assert alice.get(f"/volumes/{volume['id']}").json()["volume"]["status"] == "backing-up"
    assert refusal(alice.post("/backups", body))[0] == 400
    assert refusal(alice.delete(path))[0] == 400
    backup_states.mark_available(backup=Backup.objects.get(id=made["id"]), objects=1, stored_bytes=1)
    end_runs()
    shown = alice.get(path).json()["backup"]
    assert set(shown) == SHOWN
    assert (shown["status"], shown["size"], shown["container"]) == ("available", 2, "volumebackups")
    for who in (bob,):
        assert refusal(who.get(path)) == (404, f"Backup {made['id']} could not be found.")
        for answer in (who.delete(path), who.post(f"{path}/restore", {"restore": {}}), who.post("/backups", body)):
            assert refusal(answer)[0] == 404
    child = alice.post("/backups", {"backup": {"volume_id": volume["id"], "incremental": True}}).json()["backup"]
    backup_states.mark_available(backup=Backup.objects.get(id=child["id"]), objects=0, stored_bytes=0)
    end_runs()
    assert alice.get(path).json()["backup"]["has_dependent_backups"]
    assert refusal(alice.delete(path))[0] == 400
    for key in (child["id"], made["id"]):
        assert alice.delete(f"/backups/{key}").status_code == 202
        backup_states.mark_deleted(backup_id=uuid.UUID(key))
    assert refusal(alice.get(path))[0] == 404
    assert not verification.verify()


def test_document_by_version(alice: Any, admin: Any, make: Any) -> None:
    made = make(alice)
    for version, more in (("3.18", set()), ("3.70", {"metadata"})):
        shown = alice.at(version).get(f"/backups/{made['id']}").json()["backup"]
        assert set(shown) == SHOWN | more, version
    shown = admin.at("3.18").get("/backups/detail?all_tenants=1").json()["backups"][0]
    assert shown["os-backup-project-attr:project_id"] == alice.project_id and "user_id" not in shown
    assert "user_id" in admin.at("3.56").get("/backups/detail?all_tenants=1").json()["backups"][0]
    assert refusal(alice.put(f"/backups/{made['id']}", {"backup": {"name": "x"}}))[0] == 404
    changed = alice.at("3.43").put(f"/backups/{made['id']}", {"backup": {"name": "x", "metadata": {"a": "1"}}})
    assert changed.json()["backup"]["name"] == "x"


def test_restore(alice: Any, make: Any, make_volume: Any) -> None:
    made, volume = make(alice, make_volume(alice, metadata={"a": "1"})), make_volume(alice)
    path = f"/backups/{made['id']}/restore"
    answer = alice.post(path, {"restore": {"volume_id": volume["id"]}})
    assert answer.status_code == 202
    assert answer.json()["restore"] == {"backup_id": made["id"], "volume_id": volume["id"], "volume_name": ""}
    assert refusal(alice.post(path, {"restore": {"volume_id": volume["id"]}}))[0] == 400
    backup_states.mark_restored(backup=Backup.objects.get(id=made["id"]))
    end_runs()
    created = alice.post(path, {"restore": {"name": "again"}}).json()["restore"]
    row = Volume.objects.get(id=created["volume_id"])
    assert (row.name, str(row.source_backup_id), row.size) == ("again", made["id"], 1)
    assert row.metadata == {"a": "1"}
    assert Run.objects.get(subject_id=row.id).also == [f"backup:{made['id']}"]
    end_runs()
    backup_states.end_restore(backup_id=uuid.UUID(made["id"]))
    body = {"volume": {"backup_id": made["id"], "size": 2}}
    assert alice.post("/volumes", body).status_code == 202  # in each version, as in Cinder


def test_bad_backups_write_nothing(alice: Any, make_volume: Any, make_snapshot: Any, make: Any) -> None:
    volume, other = make_volume(alice), make_volume(alice)
    key = volume["id"]
    bad: list[tuple[Any, int]] = [
        ({}, 400),
        ({"volume_id": str(uuid.uuid4())}, 404),
        ({"volume_id": key, "snapshot_id": str(uuid.uuid4())}, 404),
        ({"volume_id": key, "snapshot_id": make_snapshot(alice, other)["id"]}, 400),
        ({"volume_id": key, "incremental": True}, 400),
        ({"volume_id": key, "name": "x" * 256}, 400),
        ({"volume_id": key, "metadata": {}}, 400),
        ({"volume_id": key, "colour": "red"}, 400),
    ]
    for values, code in bad:
        assert refusal(alice.post("/backups", {"backup": values}))[0] == code, values
    set_status(volume, "in-use")
    assert refusal(alice.post("/backups", {"backup": {"volume_id": key}}))[0] == 400
    set_status(volume, "error")
    assert refusal(alice.post("/backups", {"backup": {"volume_id": key, "force": True}}))[0] == 400
    assert not Backup.objects.exists()
    for resource, value in (("backups", 0), ("backup_gigabytes", 0)):
        limits.set_many(owner_id=alice.project_id, values={resource: value}, force=True)
        code, message = refusal(alice.post("/backups", {"backup": {"volume_id": other["id"]}}))
        assert code == 413 and "exceed" in message
        limits.reset(owner_id=alice.project_id)
    assert Volume.objects.get(id=other["id"]).status == "available"
    small = make(alice, make_volume(alice, size=2))
    assert refusal(alice.post(f"/backups/{small['id']}/restore", {"restore": {"volume_id": other["id"]}}))[0] == 400


def test_operators(alice: Any, admin: Any, make: Any) -> None:
    made = make(alice)
    path = f"/backups/{made['id']}"
    for answer in (alice.post(f"{path}/action", {"os-reset_status": {"status": "error"}}),
                   alice.get(f"{path}/export_record")):  # fmt: skip
        assert refusal(answer)[0] == 403
    record = admin.get(f"{path}/export_record").json()["backup-record"]
    assert set(record) == {"backup_service", "backup_url"}
    assert refusal(admin.post("/backups/import_record", {"backup-record": record}))[0] == 400
    assert admin.post(f"{path}/action", {"os-reset_status": {"status": "error"}}).status_code == 202
    assert admin.post(f"{path}/action", {"os-force_delete": {}}).status_code == 202
    backup_states.mark_deleted(backup_id=uuid.UUID(made["id"]))
    answer = admin.post("/backups/import_record", {"backup-record": record})
    assert (answer.status_code, answer.json()["backup"]["id"]) == (201, made["id"])
    for url in ("x", "e30=", "bnVsbA==", "W10="):
        bad = {"backup-record": {"backup_service": "cinder.backup.drivers.celerity", "backup_url": url}}
        assert refusal(admin.post("/backups/import_record", bad))[0] == 400, url


def test_lists(alice: Any, bob: Any, make: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    for name in "abc":
        make(alice, volume, name=name)
    make(bob, name="other")
    expected = {
        "/backups": ["c", "b", "a"],
        "/backups/detail?sort=name:asc": ["a", "b", "c"],
        "/backups?name=b": ["b"],
        f"/backups?volume_id={volume['id']}&status=available&limit=1": ["c"],
        f"/backups?volume_id={uuid.uuid4()}": [],
    }
    for path, names in expected.items():
        assert [row["name"] for row in alice.at("3.37").get(path).json()["backups"]] == names, path
    page = alice.at("3.45").get("/backups?limit=2&with_count=1").json()
    assert page["count"] == 3 and page["backups_links"][0]["rel"] == "next"
