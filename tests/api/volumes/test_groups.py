"""Groups of volumes over HTTP: types, life, membership, snapshots, copies, and what bad input gets."""

import uuid
from typing import Any

import pytest

from apps.quotas.services import limits
from apps.volumes.models import Group, GroupSnapshot, Snapshot, Volume
from apps.volumes.services import groups, snapshot_states, volume_states
from tests.api.volumes.conftest import end_runs, refusal

AT = "3.71"


@pytest.fixture
def kind(admin: Any) -> Any:
    answer = admin.at(AT).post("/group_types", {"group_type": {"name": "together", "group_specs": {"k": "v"}}})
    assert answer.status_code == 202, answer.content
    return answer.json()["group_type"]


@pytest.fixture
def group(alice: Any, kind: Any) -> Any:
    body = {"group": {"name": "g", "group_type": kind["id"], "volume_types": ["__DEFAULT__"]}}
    answer = alice.at(AT).post("/groups", body)
    assert answer.status_code == 202, answer.content
    assert set(answer.json()["group"]) == {"id", "name"}
    return answer.json()["group"]


def finish() -> None:
    """End what is being made and deleted, as the runs do."""
    for volume in Volume.objects.filter(status="creating"):
        volume_states.set_host(volume_id=volume.id, host="h1", zone="nova")
        volume_states.mark_available(volume_id=volume.id)
    for snapshot in Snapshot.objects.filter(deleted_at=None):
        done = snapshot_states.mark_deleted if snapshot.status == "deleting" else snapshot_states.mark_available
        done(snapshot_id=snapshot.id)
    for volume in Volume.objects.filter(status="deleting"):
        volume_states.mark_deleted(volume_id=volume.id)
    end_runs()


def add(who: Any, group: Any, **values: Any) -> str:
    body = {"volume": {"size": 1, "group_id": group["id"], **values}}
    answer = who.at(AT).post("/volumes", body)
    assert answer.status_code == 202, answer.content
    assert answer.json()["volume"]["group_id"] == group["id"]
    finish()
    return str(answer.json()["volume"]["id"])


def test_types_whose_promises_are_not_kept(alice: Any, kind: Any, group: Any, admin: Any) -> None:
    path = f"/group_types/{kind['id']}/group_specs"
    body = {"group": {"name": "g", "group_type": kind["id"], "volume_types": ["__DEFAULT__"]}}
    for value, code in (("<is> False", 202), ("<is> True", 400)):
        admin.at(AT).post(path, {"group_specs": {"consistent_group_snapshot_enabled": value}})
        assert alice.at(AT).post("/groups", body).status_code == code


def test_types(alice: Any, admin: Any, kind: Any, group: Any) -> None:
    newer, path = admin.at(AT), f"/group_types/{kind['id']}"
    assert refusal(admin.get("/group_types"))[0] == 404  # since 3.11
    assert refusal(alice.at(AT).post("/group_types", {"group_type": {"name": "x"}}))[0] == 403
    assert "group_specs" not in alice.at(AT).get(path).json()["group_type"]
    assert newer.post("/group_types", {"group_type": {"name": "together"}}).status_code == 409
    assert (
        newer.put(path, {"group_type": {"name": None, "description": "d"}}).json()["group_type"]["description"] == "d"
    )
    specs = f"{path}/group_specs"
    assert newer.post(specs, {"group_specs": {"a": "1"}}).json() == {"group_specs": {"a": "1"}}
    assert newer.get(specs).json() == {"group_specs": {"a": "1", "k": "v"}}
    assert newer.put(f"{specs}/a", {"a": "2"}).json() == {"a": "2"} == newer.get(f"{specs}/a").json()
    assert newer.delete(f"{specs}/a").status_code == 202
    for answer in (newer.get(f"{specs}/a"), newer.delete(f"{specs}/a"), newer.get("/group_types/default")):
        assert refusal(answer)[0] == 404
    assert refusal(newer.delete(path))[0] == 400
    Group.objects.all().delete()
    assert newer.delete(path).status_code == 202


def test_life(alice: Any, bob: Any, admin: Any, group: Any) -> None:
    newer, path = alice.at(AT), f"/groups/{group['id']}"
    volume = add(alice, group)
    shown = newer.get(f"{path}?list_volume=1").json()["group"]
    assert (shown["status"], shown["volumes"]) == ("available", [volume])
    assert [row["id"] for row in newer.get("/groups/detail").json()["groups"]] == [group["id"]]
    assert [row["id"] for row in newer.get(f"/volumes?group_id={group['id']}").json()["volumes"]] == [volume]
    assert refusal(bob.at(AT).get(path))[0] == 404
    assert refusal(alice.delete(f"/volumes/{volume}"))[0] == 400
    for body in ({"remove_volumes": volume}, {"add_volumes": volume, "name": "new"}):
        assert newer.put(path, {"group": body}).status_code == 202
    assert newer.get(path).json()["group"]["name"] == "new"
    for body in ({"add_volumes": volume}, {"remove_volumes": volume, "add_volumes": volume}):
        assert refusal(newer.put(path, {"group": body}))[0] == 400
    assert refusal(newer.post(f"{path}/action", {"reset_status": {"status": "error"}}))[0] == 403
    for status in ("error", "available"):
        assert admin.at(AT).post(f"{path}/action", {"reset_status": {"status": status}}).status_code == 202
        assert newer.get(path).json()["group"]["status"] == status
    assert refusal(newer.post(f"{path}/action", {"delete": {"delete-volumes": False}}))[0] == 400
    assert refusal(newer.post(f"{path}/action", {"enable_replication": {}}))[0] == 400
    assert newer.post(f"{path}/action", {"delete": {"delete-volumes": True}}).status_code == 202
    assert newer.get(path).json()["group"]["status"] == "deleting"
    finish()
    assert refusal(newer.get(path))[0] == 404
    assert (groups.prune(), Group.objects.count()) == (1, 0)


def test_snapshots_and_copies(alice: Any, group: Any) -> None:
    newer, volumes = alice.at(AT), [add(alice, group) for _ in range(2)]
    body = {"group_snapshot": {"group_id": group["id"], "name": "before"}}
    made = newer.post("/group_snapshots", body).json()["group_snapshot"]
    assert set(made) == {"id", "name", "group_type_id"}
    path = f"/group_snapshots/{made['id']}"
    assert newer.get(path).json()["group_snapshot"]["status"] == "creating"
    finish()
    assert newer.get(path).json()["group_snapshot"]["status"] == "available"
    parts = newer.get("/snapshots/detail").json()["snapshots"]
    assert {part["group_snapshot_id"] for part in parts} == {made["id"]}
    assert {part["volume_id"] for part in parts} == set(volumes)
    assert refusal(alice.delete(f"/snapshots/{parts[0]['id']}"))[0] == 400
    assert refusal(newer.post(f"/groups/{group['id']}/action", {"delete": {"delete-volumes": True}}))[0] == 400
    for source in ({"group_snapshot_id": made["id"]}, {"source_group_id": group["id"]}):
        copy = newer.post("/groups/action", {"create-from-src": {"name": "c", **source}}).json()["group"]
        assert newer.get(f"/groups/{copy['id']}").json()["group"]["status"] == "creating"
        finish()
        shown = newer.get(f"/groups/{copy['id']}?list_volume=1").json()["group"]
        assert (shown["status"], len(shown["volumes"])) == ("available", 2)
    limits.set_many(owner_id=alice.project_id, values={"volumes": 7}, force=True)
    answer = newer.post("/groups/action", {"create-from-src": {"source_group_id": group["id"]}})
    assert refusal(answer)[0] == 413
    finish()
    used = alice.get(f"/os-quota-sets/{alice.project_id}?usage=true").json()["quota_set"]
    assert (used["groups"]["in_use"], used["volumes"]["in_use"]) == (3, 6)
    assert len(newer.get("/groups").json()["groups"]) == 3 and len(newer.get("/volumes").json()["volumes"]) == 6
    assert newer.delete(path).status_code == 202
    finish()
    assert refusal(newer.get(path))[0] == 404
    assert (groups.prune(), GroupSnapshot.objects.count()) == (2, 0)


def test_bad_groups_write_nothing(alice: Any, kind: Any) -> None:
    newer = alice.at(AT)
    good = {"group_type": kind["id"], "volume_types": ["__DEFAULT__"]}
    bad: list[tuple[Any, int]] = [
        ({}, 400),
        ({**good, "group_type": "no-such"}, 404),
        ({**good, "volume_types": []}, 400),
        ({**good, "volume_types": ["no-such"]}, 404),
        ({**good, "availability_zone": "mars"}, 400),
        ({**good, "colour": "red"}, 400),
    ]
    for values, code in bad:
        assert refusal(newer.post("/groups", {"group": values}))[0] == code, values
    limits.set_many(owner_id=alice.project_id, values={"groups": 0}, force=True)
    assert refusal(newer.post("/groups", {"group": good}))[0] == 413
    for source in ({}, {"source_group_id": str(uuid.uuid4()), "group_snapshot_id": str(uuid.uuid4())}):
        assert refusal(newer.post("/groups/action", {"create-from-src": source}))[0] == 400
    assert refusal(newer.post("/groups/action", {"create-from-src": {"source_group_id": str(uuid.uuid4())}}))[0] == 404
    assert refusal(newer.post("/group_snapshots", {"group_snapshot": {"group_id": str(uuid.uuid4())}}))[0] == 404
    assert refusal(newer.post("/volumes", {"volume": {"size": 1, "group_id": str(uuid.uuid4())}}))[0] == 404
    assert not Group.objects.exists() and not Volume.objects.exists()
