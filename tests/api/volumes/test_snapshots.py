"""Snapshots over HTTP: life, documents by microversion, lists, operators' actions, and what bad input gets."""

import uuid
from typing import Any

from apps.quotas.services import limits, verification
from apps.volumes.models import Snapshot, VolumeType
from apps.volumes.services import snapshot_states
from apps.workflow.models import Run
from tests.api.volumes.conftest import end_runs, refusal, set_status

SHOWN = {"id", "name", "description", "volume_id", "status", "size", "metadata", "created_at", "updated_at"}
EXTENDED = {"os-extended-snapshot-attributes:progress", "os-extended-snapshot-attributes:project_id"}


def test_life(alice: Any, bob: Any, make_volume: Any) -> None:
    volume = make_volume(alice, size=2)
    body = {"snapshot": {"volume_id": volume["id"], "name": "before", "metadata": {"a": "1"}, "force": False}}
    answer = alice.post("/snapshots", body)
    assert answer.status_code == 202
    made = answer.json()["snapshot"]
    assert set(made) == SHOWN and (made["status"], made["size"]) == ("creating", 2)
    assert Run.objects.get(subject_id=made["id"]).host == "h1"
    path, key = f"/snapshots/{made['id']}", uuid.UUID(made["id"])
    assert refusal(alice.delete(path))[0] == 400
    snapshot_states.mark_available(snapshot_id=key)
    end_runs()
    shown = alice.get(path).json()["snapshot"]
    assert set(shown) == SHOWN | EXTENDED and shown["os-extended-snapshot-attributes:progress"] == "100%"
    changed = alice.put(path, {"snapshot": {"display_name": "later", "description": "x"}}).json()["snapshot"]
    assert (changed["name"], changed["description"]) == ("later", "x")
    for who in (bob,):
        assert refusal(who.get(path)) == (404, f"Snapshot {key} could not be found.")
        assert refusal(who.delete(path))[0] == 404
        assert refusal(who.post("/snapshots", body))[0] == 404
    assert alice.delete(path).status_code == 202
    assert alice.delete(path).status_code == 202
    assert Run.objects.filter(subject_id=key, pipeline="snapshot.delete").count() == 1
    snapshot_states.mark_deleted(snapshot_id=key)
    assert refusal(alice.get(path))[0] == 404
    assert not verification.verify()


def test_document_by_version(alice: Any, make_volume: Any, make_snapshot: Any) -> None:
    made = make_snapshot(alice, make_volume(alice))
    for version, more in (("3.14", {"group_snapshot_id"}), ("3.41", {"group_snapshot_id", "user_id"}),
                          ("3.65", {"group_snapshot_id", "user_id", "consumes_quota"})):  # fmt: skip
        shown = alice.at(version).get(f"/snapshots/{made['id']}").json()["snapshot"]
        assert set(shown) == SHOWN | EXTENDED | more, version


def test_a_volume_in_use(alice: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    set_status(volume, "in-use")
    body: Any = {"snapshot": {"volume_id": volume["id"]}}
    forced: Any = {"snapshot": {"volume_id": volume["id"], "force": True}}
    assert refusal(alice.post("/snapshots", body))[0] == 400
    assert refusal(alice.at("3.65").post("/snapshots", body))[0] == 400
    assert alice.post("/snapshots", forced).status_code == 202
    assert alice.at("3.66").post("/snapshots", body).status_code == 202
    refused = {"snapshot": {"volume_id": volume["id"], "force": False}}
    assert refusal(alice.at("3.66").post("/snapshots", refused))[0] == 400
    set_status(volume, "error")
    assert refusal(alice.post("/snapshots", forced))[0] == 400


def test_a_raw_volume_in_use_is_not_copied(alice: Any, make_volume: Any, shared_type: VolumeType) -> None:
    """Its data has no layers: refused at once, where the host failed later."""
    volume = make_volume(alice, volume_type="shared")
    set_status(volume, "in-use")
    upload = {"os-volume_upload_image": {"image_name": "i", "force": True}}
    for path, body in (
        ("/snapshots", {"snapshot": {"volume_id": volume["id"], "force": True}}),
        ("/volumes", {"volume": {"source_volid": volume["id"]}}),
        ("/backups", {"backup": {"volume_id": volume["id"], "force": True}}),
        (f"/volumes/{volume['id']}/action", upload),
    ):
        code, message = refusal(alice.at("3.1").post(path, body))
        assert (code, "only while it is not attached" in message) == (400, True), path


def test_bad_snapshots_write_nothing(alice: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    bad: list[tuple[Any, int]] = [
        ({}, 400),
        ({"volume_id": None}, 404),
        ({"volume_id": "nothing"}, 404),
        ({"volume_id": str(uuid.uuid4())}, 404),
        ({"volume_id": volume["id"], "name": "x" * 256}, 400),
        ({"volume_id": volume["id"], "force": "perhaps"}, 400),
        ({"volume_id": volume["id"], "metadata": {"a": 1}}, 400),
        ({"volume_id": volume["id"], "colour": "red"}, 400),
    ]
    for values, code in bad:
        assert refusal(alice.post("/snapshots", {"snapshot": values}))[0] == code, values
    assert not Snapshot.objects.exists()


def test_quotas(alice: Any, make_volume: Any, make_snapshot: Any) -> None:
    volume = make_volume(alice)
    make_snapshot(alice, volume)
    for resource, value in (("snapshots", 1), ("gigabytes", 2)):
        limits.set_many(owner_id=alice.project_id, values={resource: value}, force=True)
        code, message = refusal(alice.post("/snapshots", {"snapshot": {"volume_id": volume["id"]}}))
        assert code == 413 and "exceed" in message and resource in message
        limits.reset(owner_id=alice.project_id)
    assert Snapshot.objects.count() == 1


def test_lists(alice: Any, bob: Any, admin: Any, make_volume: Any, make_snapshot: Any) -> None:
    volume = make_volume(alice)
    rows = [make_snapshot(alice, volume, name=name, metadata={"n": name}) for name in "abc"]
    make_snapshot(bob, make_volume(bob), name="other")

    def listed(path: str, who: Any = alice) -> list[str]:
        return [row["name"] for row in who.get(path).json()["snapshots"]]

    expected = {
        "/snapshots": ["c", "b", "a"],
        "/snapshots/detail?sort=display_name:asc": ["a", "b", "c"],
        "/snapshots?name=b": ["b"],
        f"/snapshots?volume_id={volume['id']}&status=available": ["c", "b", "a"],
        f"/snapshots?volume_id={uuid.uuid4()}": [],
        f"/snapshots?limit=1&marker={rows[1]['id']}": ["a"],
        "/snapshots?offset=1&limit=3": ["b", "a"],
        "/snapshots?offset=99999": [],
        "/snapshots?metadata={'n': 'a'}": ["c", "b", "a"],  # since 3.22
    }
    for path, result in expected.items():
        assert listed(path) == result, path
    assert listed("/snapshots?metadata={'n': 'a'}", alice.at("3.22")) == ["a"]
    assert listed("/snapshots?all_tenants=1", admin) == ["other", "c", "b", "a"]
    page = alice.at("3.45").get("/snapshots?limit=2&with_count=1").json()
    assert page["count"] == 3 and page["snapshots_links"][0]["rel"] == "next"


def test_metadata(alice: Any, make_volume: Any, make_snapshot: Any) -> None:
    made = make_snapshot(alice, make_volume(alice))
    path = f"/snapshots/{made['id']}/metadata"
    assert alice.post(path, {"metadata": {"a": "1"}}).json() == {"metadata": {"a": "1"}}
    assert alice.put(f"{path}/a", {"meta": {"a": "2"}}).json() == {"meta": {"a": "2"}}
    assert alice.delete(f"{path}/a").status_code == 200
    assert refusal(alice.delete(f"{path}/a"))[0] == 404


def test_operators_actions(alice: Any, admin: Any, make_volume: Any, make_snapshot: Any) -> None:
    made = make_snapshot(alice, make_volume(alice))
    path = f"/snapshots/{made['id']}/action"
    assert refusal(alice.post(path, {"os-reset_status": {"status": "error"}}))[0] == 403
    assert refusal(alice.post(path, {"os-force_delete": {}}))[0] == 403
    assert admin.post(path, {"os-reset_status": {"status": "creating"}}).status_code == 202
    reported = {"os-update_snapshot_status": {"status": "creating", "progress": "80%"}}
    assert admin.post(path, reported).status_code == 202
    shown = admin.get(f"/snapshots/{made['id']}").json()["snapshot"]
    assert shown["os-extended-snapshot-attributes:progress"] == "80%"
    assert refusal(admin.post(path, {"os-update_snapshot_status": {"status": "deleting"}}))[0] == 400
    for bad in (
        {"os-reset_status": {"status": "x"}},
        {"os-update_snapshot_status": {"status": "error", "progress": "x"}},
    ):
        assert refusal(admin.post(path, bad))[0] == 400
    assert admin.post(path, {"os-force_delete": {}}).status_code == 202
    assert Snapshot.objects.get(id=made["id"]).status == "deleting"
    end_runs()  # and it stays in deleting: it may be deleted again
    assert admin.post(path, {"os-force_delete": {}}).status_code == 202
    assert Run.objects.filter(subject_id=made["id"], pipeline="snapshot.delete").count() == 2
