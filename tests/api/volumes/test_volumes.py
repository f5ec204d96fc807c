"""Volumes over HTTP: documents by microversion, changes, deletion."""

import uuid
from typing import Any

import pytest

from apps.identity.services.project_resources import caller_for
from apps.quotas.services import limits, verification
from apps.volumes import states
from apps.volumes.models import Volume
from apps.volumes.services import project_resources, snapshot_states, volume_states
from apps.workflow.models import Run
from tests.api.volumes.conftest import end_runs, refusal, set_status

SHOWN = {
    "id", "name", "links", "status", "size", "description", "availability_zone", "created_at", "updated_at",
    "volume_type", "snapshot_id", "source_volid", "metadata", "user_id", "bootable", "encrypted", "multiattach",
    "replication_status", "consistencygroup_id", "attachments",
}  # fmt: skip


def test_life(alice: Any, bob: Any, admin: Any, make_volume: Any) -> None:
    body = {"volume": {"size": 2, "name": "data", "metadata": {"role": "db"}, "snapshot_id": None, "imageRef": None}}
    answer = alice.post("/volumes", body)
    assert answer.status_code == 202
    made = answer.json()["volume"]
    assert set(made) == SHOWN
    assert (made["status"], made["size"], made["bootable"]) == ("creating", 2, "false")
    assert made["volume_type"] == "__DEFAULT__" and made["availability_zone"] == "nova"
    run = Run.objects.get(subject_id=made["id"])
    assert (run.pipeline, run.subject_type, run.project_id) == ("volume.create", "volume", alice.project_id)
    path, key = f"/volumes/{made['id']}", uuid.UUID(made["id"])
    assert refusal(bob.get(path))[0] == 404
    volume_states.set_host(volume_id=key, host="h1", zone="nova")
    volume_states.mark_available(volume_id=key)
    end_runs()
    shown = alice.get(path).json()["volume"]
    assert set(shown) == SHOWN | {"os-vol-tenant-attr:tenant_id"}
    assert admin.get(path).json()["volume"]["os-vol-host-attr:host"] == "h1@local#local"
    changed = alice.put(path, {"volume": {"name": "other", "description": None, "metadata": {"a": "b"}}})
    assert changed.status_code == 200
    assert (changed.json()["volume"]["name"], changed.json()["volume"]["metadata"]) == ("other", {"a": "b"})
    assert alice.post(f"{path}/action", {"os-extend": {"new_size": "3"}}).status_code == 202
    assert Run.objects.get(subject_id=key, pipeline="volume.extend").params["new_size"] == 3
    assert alice.get(path).json()["volume"]["status"] == "extending"
    assert refusal(alice.delete(path))[0] == 400
    volume_states.mark_extended(volume_id=key, new_size=3)
    end_runs()
    assert alice.get(path).json()["volume"]["size"] == 3
    assert refusal(bob.delete(path))[0] == 404
    assert alice.delete(path).status_code == 202
    assert alice.delete(path).status_code == 202  # it is being deleted already
    assert Run.objects.filter(subject_id=key, pipeline="volume.delete").count() == 1
    volume_states.mark_deleted(volume_id=key)
    assert refusal(alice.get(path)) == (404, f"Volume {key} could not be found.")
    assert not verification.verify()


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("3.12", set()),
        ("3.13", {"group_id"}),
        ("3.48", {"group_id", "shared_targets", "service_uuid"}),
        ("3.63", {"group_id", "shared_targets", "service_uuid", "volume_type_id"}),
        ("3.70", {"group_id", "shared_targets", "service_uuid", "volume_type_id", "consumes_quota"}),
    ],
)
def test_document_by_version(alice: Any, make_volume: Any, version: str, more: set[str]) -> None:
    made = make_volume(alice)
    answer = alice.at(version).get(f"/volumes/{made['id']}")
    assert set(answer.json()["volume"]) == SHOWN | {"os-vol-tenant-attr:tenant_id"} | more
    assert answer["OpenStack-API-Version"] == f"volume {version}"
    assert answer.json()["volume"].get("shared_targets", False) is False


def test_administrators_see_more(admin: Any, make_volume: Any) -> None:
    made = make_volume(admin)
    shown = admin.at("3.70").get(f"/volumes/{made['id']}").json()["volume"]
    assert {"cluster_name", "provider_id", "migration_status", "os-vol-mig-status-attr:name_id"} <= set(shown)


def test_deletion_with_snapshots(alice: Any, make_volume: Any, make_snapshot: Any) -> None:
    made = make_volume(alice)
    snapshot = make_snapshot(alice, made)
    assert "snapshots" in refusal(alice.delete(f"/volumes/{made['id']}"))[1]
    assert alice.delete(f"/volumes/{made['id']}?cascade=True").status_code == 202
    assert alice.get(f"/snapshots/{snapshot['id']}").json()["snapshot"]["status"] == "deleting"
    volume_states.mark_deleted(volume_id=uuid.UUID(made["id"]))
    assert alice.get(f"/snapshots/{snapshot['id']}").status_code == 404
    assert not verification.verify()


def test_quota_of_extensions(alice: Any, make_volume: Any) -> None:
    made = make_volume(alice)
    limits.set_many(owner_id=alice.project_id, values={"gigabytes": 3}, force=True)
    path = f"/volumes/{made['id']}/action"
    assert refusal(alice.post(path, {"os-extend": {"new_size": 4}}))[0] == 413
    assert Volume.objects.get(id=made["id"]).status == "available"
    for bad in (1, 0, None, "x", "1.0"):
        assert refusal(alice.post(path, {"os-extend": {"new_size": bad}}))[0] == 400
    set_status(made, "in-use")
    assert refusal(alice.at("3.41").post(path, {"os-extend": {"new_size": 3}}))[0] == 400
    assert alice.at("3.42").post(path, {"os-extend": {"new_size": 3}}).status_code == 202
    assert not verification.verify()


def test_flags_and_image_metadata(alice: Any, make_volume: Any) -> None:
    made = make_volume(alice)
    path = f"/volumes/{made['id']}"
    act = lambda body: alice.post(f"{path}/action", body)  # noqa: E731
    assert act({"os-set_bootable": {"bootable": "True"}}).status_code == 200
    assert act({"os-update_readonly_flag": {"readonly": True}}).status_code == 202
    shown = alice.get(path).json()["volume"]
    assert shown["bootable"] == "true" and shown["metadata"]["readonly"] == "True"
    set_images = act({"os-set_image_metadata": {"metadata": {"kernel": "k"}}})
    assert set_images.json() == {"metadata": {"kernel": "k"}}
    assert act({"os-show_image_metadata": {}}).json() == {"metadata": {"kernel": "k"}}
    assert refusal(act({"os-unset_image_metadata": {"key": "other"}}))[0] == 404
    assert act({"os-unset_image_metadata": {"key": "kernel"}}).status_code == 200
    for bad in ({"os-set_bootable": {}}, {"os-set_bootable": {"bootable": "perhaps"}}, {"dance": {}}, {}, [],
                {"os-extend": {"new_size": 2}, "os-reserve": {}}, {"os-update_readonly_flag": {}}):  # fmt: skip
        assert refusal(act(bad))[0] == 400, bad


def test_metadata(alice: Any, bob: Any, make_volume: Any) -> None:
    made = make_volume(alice, metadata={"a": "1"})
    path = f"/volumes/{made['id']}/metadata"
    assert alice.post(path, {"metadata": {"b": "2"}}).json() == {"metadata": {"a": "1", "b": "2"}}
    assert alice.put(path, {"metadata": {"c": "3"}}).json() == {"metadata": {"c": "3"}}
    assert alice.put(f"{path}/c", {"meta": {"c": "4"}}).json() == {"meta": {"c": "4"}}
    assert alice.get(f"{path}/c").json() == {"meta": {"c": "4"}}
    assert refusal(alice.put(f"{path}/c", {"meta": {"d": "4"}}))[0] == 400
    assert refusal(alice.put(f"{path}/c", {"meta": {}}))[0] == 400
    assert refusal(alice.get(f"{path}/x"))[0] == 404
    assert refusal(alice.delete(f"{path}/x"))[0] == 404
    assert refusal(bob.get(path))[0] == 404
    assert alice.delete(f"{path}/c").status_code == 200
    assert alice.get(path).json() == {"metadata": {}}
    read = alice.at("3.15").get(path).headers["ETag"]
    assert "ETag" not in alice.at("3.14").get(path).headers
    changes = [(path, {"metadata": {"d": "1"}}), (f"{path}/d", {"meta": {"d": "2"}})]
    for (place, body), version, tag, code in (
        (changes[0], "3.15", read, 200),
        (changes[0], "3.15", read, 412),  # another change came first
        (changes[1], "3.15", f'"x", W/{read}', 412),
        (changes[1], "3.14", read, 200),
        (changes[1], "3.15", "*", 200),
    ):
        answer = alice.at(version).call("put", place, body, headers={"If-Match": tag})
        assert answer.status_code == code, (place, version, tag)
    assert refusal(alice.post(path, {"metadata": {str(n): "x" for n in range(129)}}))[0] == 413


def test_operators_actions(alice: Any, admin: Any, make_volume: Any) -> None:
    made = make_volume(alice)
    path = f"/volumes/{made['id']}/action"
    reset = {"os-reset_status": {"status": "error"}}
    for action in (reset, {"os-force_delete": {}}, {"os-force_detach": {}}):
        assert refusal(alice.post(path, action))[0] == 403
    assert admin.post(path, reset).status_code == 202
    assert Volume.objects.get(id=made["id"]).status == states.ERROR
    for bad in ({}, {"status": "dancing"}, {"status": "deleted"}):
        assert refusal(admin.post(path, {"os-reset_status": bad}))[0] == 400
    set_status(made, "creating")
    assert refusal(alice.delete(f"/volumes/{made['id']}"))[0] == 400
    assert admin.post(path, {"os-force_delete": {}}).status_code == 202
    assert Volume.objects.get(id=made["id"]).status == states.DELETING


def test_a_reset_cancels_the_run(admin: Any, make_volume: Any) -> None:
    made = make_volume(admin)
    path = f"/volumes/{made['id']}/action"
    admin.post(path, {"os-extend": {"new_size": 2}})
    assert admin.post(path, {"os-reset_status": {"status": "available"}}).status_code == 202
    assert Run.objects.get(subject_id=made["id"], pipeline="volume.extend").state == "cancelled"
    assert not verification.verify()


def test_microversions(alice: Any) -> None:
    assert refusal(alice.at("3.72").get("/volumes"))[0] == 406
    assert refusal(alice.at("2.9").get("/volumes"))[0] == 406
    assert refusal(alice.at("three").get("/volumes"))[0] == 400
    assert alice.get("/volumes")["OpenStack-API-Version"] == "volume 3.0"
    assert alice.at("latest").get("/volumes")["OpenStack-API-Version"] == "volume 3.71"


def test_the_project_in_the_path(alice: Any, bob: Any, make_volume: Any) -> None:
    made = make_volume(alice)
    dashed = str(uuid.UUID(alice.project_id))
    for project in (alice.project_id, dashed):
        assert alice.get(f"/{project}/volumes/{made['id']}").json()["volume"]["id"] == made["id"]
    assert refusal(alice.get(f"/{bob.project_id}/volumes"))[0] == 400
    assert made["links"][0]["href"].endswith(f"/volume/v3/{alice.project_id}/volumes/{made['id']}")


def test_extending_waits_for_snapshots_and_repeats_after_errors(alice: Any, make_volume: Any) -> None:
    made = make_volume(alice)
    path, extend = f"/volumes/{made['id']}/action", {"os-extend": {"new_size": 2}}
    snapshot = alice.post("/snapshots", {"snapshot": {"volume_id": made["id"]}}).json()["snapshot"]
    assert "is being created" in refusal(alice.post(path, extend))[1]
    assert refusal(alice.post("/volume-transfers", {"transfer": {"volume_id": made["id"]}}))[0] == 400
    snapshot_states.mark_error(snapshot_id=uuid.UUID(snapshot["id"]), message="The host is full.")
    set_status(made, "error_extending")
    end_runs()
    assert alice.post(path, extend).status_code == 202
    assert volume_states.mark_extended(volume_id=uuid.UUID(made["id"]), new_size=2)
    assert not verification.verify()


def test_a_purge_passes_by_what_is_in_use(alice: Any, make_volume: Any, make_snapshot: Any) -> None:
    source, used = make_volume(alice), make_volume(alice)
    alice.post("/volumes", {"volume": {"snapshot_id": make_snapshot(alice, source)["id"]}})
    alice.at("3.27").post("/attachments", {"attachment": {"volume_uuid": used["id"]}})
    project_resources.purge_volumes(caller_for(alice.project_id))
    statuses = dict(Volume.objects.values_list("id", "status"))
    assert statuses.pop(uuid.UUID(used["id"])) == "reserved"
    assert set(statuses.values()) == {"deleting"}
