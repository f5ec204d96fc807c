"""Nova's proxies of the volume service: its rows, in Nova's words, until 2.35; assisted snapshots."""

import json
import uuid
from urllib.parse import quote

import pytest

from apps.compute.models import BlockDevice, Server
from apps.compute.services import device_changes
from apps.volumes.models import Snapshot, Volume
from tests.api.compute.conftest import ComputeCaller


def make(owner: ComputeCaller, **values: object) -> Volume:
    defaults = {"project_id": owner.project_id, "user_id": "u", "size": 1, "status": "available", "host": "h"}
    return Volume.objects.create(**{**defaults, **values})


def test_volumes(alice: ComputeCaller, bob: ComputeCaller, server: Server) -> None:
    body = {"volume": {"size": "1", "display_name": "data", "metadata": {"a": "b"}}}
    made = alice.post("/os-volumes", body)
    assert made.status_code == 200, made.content
    document = made.json()["volume"]
    shown = {key: document[key] for key in ("displayName", "size", "status", "metadata", "attachments", "snapshotId")}
    assert shown == {
        "displayName": "data", "size": 1, "status": "creating", "metadata": {"a": "b"}, "attachments": [{}],
        "snapshotId": None,
    }  # fmt: skip
    volume = make(alice, status="in-use")
    volume.attachments.create(server_id=server.id, status="attached", device="/dev/vdb")
    path = f"/os-volumes/{volume.id}"
    attached = {"id": str(volume.id), "volumeId": str(volume.id), "serverId": str(server.id), "device": "/dev/vdb"}
    assert alice.get(path).json()["volume"]["attachments"] == [attached]
    for where in ("/os-volumes", "/os-volumes/detail"):
        assert [row["id"] for row in alice.get(where, limit="1").json()["volumes"]] == [str(volume.id)]
    assert bob.get("/os-volumes").json() == {"volumes": []}
    assert bob.get(path).status_code == bob.delete(path).status_code == 404
    assert alice.delete(path).status_code == 400  # in use
    volume.attachments.all().delete()
    Volume.objects.filter(id=volume.id).update(status="available")
    assert alice.delete(path).status_code == 202
    assert alice.at("2.36").get("/os-volumes").status_code == 404


def test_refusals(alice: ComputeCaller, bob: ComputeCaller) -> None:
    for values, code in (
        ({}, 400), ({"size": 0}, 400), ({"size": 1, "x": 1}, 400), ({"size": 2000}, 403),
        ({"size": 1, "snapshot_id": str(uuid.uuid4())}, 404), ({"size": 1, "volume_type": "x"}, 404),
    ):  # fmt: skip
        assert alice.post("/os-volumes", {"volume": values}).status_code == code, values
    assert not Volume.objects.exists()
    volume = make(bob)
    assert alice.post("/os-snapshots", {"snapshot": {"volume_id": str(volume.id)}}).status_code == 404


def test_snapshots(alice: ComputeCaller, bob: ComputeCaller) -> None:
    volume = make(alice, status="in-use")
    body = {"snapshot": {"volume_id": str(volume.id), "display_name": "s"}}
    assert alice.post("/os-snapshots", body).status_code == 400  # without force
    body["snapshot"]["force"] = "true"
    document = alice.post("/os-snapshots", body).json()["snapshot"]
    assert (document["volumeId"], document["displayName"], document["size"]) == (str(volume.id), "s", 1)
    path = f"/os-snapshots/{document['id']}"
    assert alice.get(path).json()["snapshot"]["status"] == "creating"
    for where in ("/os-snapshots", "/os-snapshots/detail"):
        assert len(alice.get(where).json()["snapshots"]) == 1 and bob.get(where).json() == {"snapshots": []}
    assert bob.get(path).status_code == bob.delete(path).status_code == 404
    Snapshot.objects.update(status="available")
    assert alice.delete(path).status_code == 202


def test_assisted_snapshots(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, key = make(alice, status="in-use"), str(uuid.uuid4())
    info = {"snapshot_id": key, "type": "qcow2", "new_file": "new"}
    body = {"snapshot": {"volume_id": str(volume.id), "create_info": info}}
    path = "/os-assisted-volume-snapshots"
    where = quote(json.dumps({"volume_id": str(volume.id)}))
    assert alice.post(path, body).status_code == 403
    assert admin.post(path, body).status_code == 400  # no server has the volume
    BlockDevice.objects.create(server=server, kind="volume", volume_id=volume.id, is_attached=True)
    for _ in range(2):  # one that is made already is left to the volume service
        assert admin.post(path, body).json() == {"snapshot": {"id": key, "volumeId": str(volume.id)}}
    snapshot = Snapshot.objects.get()
    assert (str(snapshot.id), snapshot.project_id, snapshot.status) == (key, alice.project_id, "creating")
    assert admin.delete(f"{path}/{key}?delete_info=x").status_code == 400
    with monkeypatch.context() as patched:
        patched.setattr(device_changes, "BUSY_SECONDS", 0)
        assert admin.delete(f"{path}/{key}?delete_info={where}").status_code == 400  # it is being made
    # It is waited for.
    monkeypatch.setattr(device_changes.time, "sleep", lambda _: Snapshot.objects.update(status="available"))
    assert admin.delete(f"{path}/{key}?delete_info={where}").status_code == 204
    assert Snapshot.objects.get().status == "deleting"
    assert admin.delete(f"{path}/{uuid.uuid4()}?delete_info={where}").status_code == 204
