"""Attachments: the resource of 3.27, the older attach calls, several servers, and who may end what."""

import uuid
from typing import Any

import pytest

from apps.compute.models import Server
from apps.volumes.models import Attachment, Volume, VolumeType
from apps.volumes.services import attachments
from tests.api.volumes.conftest import refusal, set_status

SHOWN = {"id", "status", "instance", "volume_id", "attached_at", "detached_at", "attach_mode", "connection_info"}
CONNECTOR = {"host": "h1", "mountpoint": "/dev/vdb", "initiator": "iqn.x"}


def status(row: Any) -> str:
    return str(Volume.objects.values_list("status", flat=True).get(id=row["id"]))


def reserve(who: Any, volume: Any, server: Any = None, **values: Any) -> Any:
    body = {"attachment": {"volume_uuid": volume["id"], "instance_uuid": str(server or uuid.uuid4()), **values}}
    return who.at("3.54").post("/attachments", body)


def test_life(alice: Any, bob: Any, make_volume: Any) -> None:
    volume, server = make_volume(alice), uuid.uuid4()
    answer = reserve(alice, volume, server)
    assert answer.status_code == 200
    made = answer.json()["attachment"]
    assert set(made) == SHOWN
    assert (made["status"], made["instance"], made["connection_info"]) == ("reserved", str(server), {})
    assert status(volume) == "reserved"
    who, path = alice.at("3.44"), f"/attachments/{made['id']}"
    assert refusal(bob.at("3.44").get(path))[0] == 404
    connected = who.put(path, {"attachment": {"connector": CONNECTOR}}).json()["attachment"]
    assert (connected["status"], connected["attach_mode"], status(volume)) == ("attaching", "rw", "attaching")
    assert connected["connection_info"]["attachment_id"] == made["id"]
    assert Attachment.objects.get().export not in str(connected)
    for argument in ({}, None, made["id"]):  # repeated, it gives the same; openstacksdk sends the ID
        assert who.post(f"{path}/action", {"os-complete": argument}).status_code == 204
    assert status(volume) == "in-use"
    shown = alice.get(f"/volumes/{volume['id']}").json()["volume"]["attachments"]
    assert shown[0]["server_id"] == str(server) and shown[0]["device"] == "/dev/vdb"
    assert [row["id"] for row in who.get("/attachments").json()["attachments"]] == [made["id"]]
    assert set(who.get("/attachments/detail").json()["attachments"][0]) == SHOWN
    assert who.get(f"/attachments?instance_id={uuid.uuid4()}").json()["attachments"] == []
    assert who.delete(path).json() == {"attachments": []}
    assert status(volume) == "available" and refusal(who.get(path))[0] == 404


def test_versions(alice: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    assert refusal(alice.at("3.26").get("/attachments"))[0] == 404
    body = {"attachment": {"volume_uuid": volume["id"], "mode": "ro"}}
    assert refusal(alice.at("3.53").post("/attachments", body))[0] == 400
    made = alice.at("3.54").post("/attachments", body).json()["attachment"]
    assert made["attach_mode"] == "ro"
    assert refusal(alice.at("3.43").post(f"/attachments/{made['id']}/action", {"os-complete": {}}))[0] == 404


def test_refusals_write_nothing(alice: Any, bob: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    bad: list[tuple[Any, int]] = [
        ({}, 400),
        ({"volume_uuid": "x"}, 400),
        ({"volume_uuid": str(uuid.uuid4())}, 404),
        ({"volume_uuid": volume["id"], "instance_uuid": "x"}, 400),
        ({"volume_uuid": volume["id"], "mode": "rwx"}, 400),
        ({"volume_uuid": volume["id"], "connector": "x"}, 400),
    ]
    for values, code in bad:
        assert refusal(alice.at("3.54").post("/attachments", {"attachment": values}))[0] == code, values
    assert refusal(reserve(bob, volume))[0] == 404
    Volume.objects.filter(id=volume["id"]).update(read_only=True)
    assert refusal(reserve(alice, volume, mode="rw"))[0] == 400
    assert not Attachment.objects.exists() and status(volume) == "available"


def test_one_server_at_a_time(alice: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    assert reserve(alice, volume).status_code == 200
    code, message = refusal(reserve(alice, volume))
    assert code == 400 and "current status is reserved" in message
    assert refusal(alice.delete(f"/volumes/{volume['id']}"))[0] == 400


def test_several_servers(alice: Any, make_volume: Any, shared_type: VolumeType) -> None:
    volume, first, second = make_volume(alice, volume_type="shared"), uuid.uuid4(), uuid.uuid4()
    keys = [reserve(alice, volume, server).json()["attachment"]["id"] for server in (first, second)]
    assert "already attached" in refusal(reserve(alice, volume, first))[1]
    who = alice.at("3.44")
    who.post(f"/attachments/{keys[0]}/action", {"os-complete": {}})
    assert status(volume) == "in-use"
    rows = [Attachment.objects.get(id=key) for key in keys]
    attachments.begin_detach(attachment=rows[0])  # listed until the guest has released it: "detaching" (Tempest)
    assert status(volume) == "detaching"
    attachments.complete(attachment=rows[1])
    assert status(volume) == "detaching"
    attachments.roll_back_detach(attachment=rows[0])
    assert status(volume) == "in-use"
    rows[1].delete()
    keys[1] = reserve(alice, volume, second).json()["attachment"]["id"]
    left = who.delete(f"/attachments/{keys[0]}").json()["attachments"]
    assert [row["id"] for row in left] == [keys[1]] and status(volume) == "reserved"
    who.delete(f"/attachments/{keys[1]}")
    assert status(volume) == "available"


def test_older_calls(alice: Any, make_volume: Any) -> None:
    volume, server = make_volume(alice), str(uuid.uuid4())
    act = lambda body: alice.post(f"/volumes/{volume['id']}/action", body)  # noqa: E731
    assert act({"os-reserve": {}}).status_code == 202 and status(volume) == "attaching"
    assert refusal(act({"os-reserve": {}}))[0] == 400
    assert act({"os-unreserve": {}}).status_code == 202 and status(volume) == "available"
    act({"os-reserve": None})
    info = act({"os-initialize_connection": {"connector": CONNECTOR}}).json()["connection_info"]
    assert info["data"]["volume_id"] == volume["id"]
    attach = {"os-attach": {"instance_uuid": server, "mountpoint": "/dev/vdc", "mode": "rw"}}
    assert act(attach).status_code == 202 and status(volume) == "in-use"
    assert act(attach).status_code == 202 and Attachment.objects.count() == 1
    shown = alice.get(f"/volumes/{volume['id']}").json()["volume"]["attachments"][0]
    assert (shown["server_id"], shown["device"], shown["host_name"]) == (server, "/dev/vdc", None)
    assert act({"os-begin_detaching": {}}).status_code == 202 and status(volume) == "detaching"
    assert act({"os-roll_detaching": {}}).status_code == 202 and status(volume) == "in-use"
    assert act({"os-terminate_connection": {"connector": CONNECTOR}}).status_code == 202
    assert refusal(act({"os-detach": {"attachment_id": str(uuid.uuid4())}}))[0] == 400
    assert act({"os-detach": {"attachment_id": shown["attachment_id"]}}).status_code == 202
    assert status(volume) == "available" and act({"os-detach": {}}).status_code == 202
    assert act({"os-attach": {"host_name": "h1", "mountpoint": "/mnt"}}).status_code == 202
    assert refusal(act({"os-attach": {"host_name": "h2", "mountpoint": "/mnt"}}))[0] == 400
    for bad in ({}, {"instance_uuid": server, "host_name": "h1"}, {"instance_uuid": "x"}, {"mode": "x"}):
        assert refusal(act({"os-attach": bad}))[0] == 400, bad


def test_force_detach(alice: Any, admin: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    reserve(alice, volume)
    act = lambda body: admin.post(f"/volumes/{volume['id']}/action", body)  # noqa: E731
    assert act({"os-force_detach": {"attachment_id": None, "connector": {}}}).status_code == 202
    assert status(volume) == "available"
    assert refusal(act({"os-force_detach": {}}))[0] == 400
    act({"os-attach": {"instance_uuid": str(uuid.uuid4())}})
    act({"os-reset_status": {"status": "error"}})
    assert act({"os-force_detach": {}}).status_code == 202 and status(volume) == "available"


@pytest.mark.parametrize("finished", [False, True])
def test_clients_end_nothing_of_the_compute_service(alice: Any, admin: Any, make_volume: Any, finished: bool) -> None:
    """OSSA-2023-003: a volume that its project detaches behind the server's back may be given to another one."""
    volume = make_volume(alice)
    server = Server.objects.create(
        project_id=alice.project_id,
        user_id="u",
        name="s",
        hostname="s",
        vm_state="active",
        reservation_id="r",
        flavor={},
    ).id
    row = Volume.objects.get(id=volume["id"])
    attachment = attachments.reserve(volume=row, server_id=server, by_compute=True)
    attachments.connect(attachment=attachment, connector={"host": "h1"}, by_compute=True)
    if finished:
        attachments.complete(attachment=attachment, device="/dev/vdb", by_compute=True)
    act = lambda body: admin.post(f"/volumes/{volume['id']}/action", body)  # noqa: E731
    who, path = alice.at("3.44"), f"/attachments/{attachment.id}"
    answers = [
        who.delete(path),
        who.put(path, {"attachment": {"connector": {"host": "h2"}}}),
        who.post(f"{path}/action", {"os-complete": {}}),
        act({"os-detach": {}}),
        act({"os-begin_detaching": {}}),
        act({"os-attach": {"instance_uuid": str(server)}}),
        act({"os-force_detach": {}}),
    ]
    assert [refusal(answer)[0] for answer in answers] == [409] * len(answers)
    assert act({"os-reset_status": {"status": "available", "attach_status": "detached"}}).status_code == 202
    assert Attachment.objects.get().host == "h1"
    attachments.begin_detach(attachment=attachment, by_compute=True)
    attachments.delete(attachment=attachment, by_compute=True)
    attachments.delete(attachment=attachment, by_compute=True)
    assert not Attachment.objects.exists()


def test_servers_of_other_projects_are_refused(alice: Any, bob: Any, make_volume: Any) -> None:
    """Else the steps of a volume would act on another project's guest."""
    server = Server.objects.create(
        project_id=bob.project_id, user_id="u", name="s", hostname="s", vm_state="active", reservation_id="r", flavor={}
    )
    volume = make_volume(alice)
    assert "could not be found" in refusal(reserve(alice, volume, server.id))[1]
    attach = {"os-attach": {"instance_uuid": str(server.id)}}
    assert refusal(alice.post(f"/volumes/{volume['id']}/action", attach))[0] == 400
    assert not Attachment.objects.exists() and status(volume) == "available"
    assert reserve(bob, make_volume(bob), server.id).status_code == 200


@pytest.mark.parametrize("busy", ["extending", "uploading", "downloading", "deleting"])
def test_attachments_leave_the_status_of_a_task_alone(alice: Any, make_volume: Any, busy: str) -> None:
    volume = make_volume(alice)
    key = reserve(alice, volume).json()["attachment"]["id"]
    who, path = alice.at("3.44"), f"/attachments/{key}"
    set_status(volume, busy)
    who.put(path, {"attachment": {"connector": CONNECTOR}})
    who.post(f"{path}/action", {"os-complete": {}})
    for action in ("os-roll_detaching", "os-unreserve"):
        alice.post(f"/volumes/{volume['id']}/action", {action: {}})
    assert status(volume) == busy
    who.delete(path)
    assert status(volume) == busy and refusal(reserve(alice, volume))[0] == 400


def test_a_reset_gives_no_second_server_the_volume(alice: Any, bob: Any, admin: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    reserve(alice, volume)
    admin.post(f"/volumes/{volume['id']}/action", {"os-reset_status": {"status": "available"}})
    assert "still attached" in refusal(reserve(alice, volume))[1]
    assert "still attached" in refusal(alice.post("/volume-transfers", {"transfer": {"volume_id": volume["id"]}}))[1]


@pytest.mark.parametrize("way", ["os-force_detach", "os-reset_status"])
def test_an_operator_ends_the_attachment_of_a_server_that_is_gone(
    alice: Any, admin: Any, make_volume: Any, way: str
) -> None:
    volume = make_volume(alice)
    row = Volume.objects.get(id=volume["id"])
    attachments.reserve(volume=row, server_id=uuid.uuid4(), by_compute=True)
    values = {"status": "available", "attach_status": "detached"} if way == "os-reset_status" else {}
    assert admin.post(f"/volumes/{volume['id']}/action", {way: values}).status_code == 202
    assert not Attachment.objects.exists() and status(volume) == "available"


def test_connectors_that_cannot_be_stored(alice: Any, make_volume: Any) -> None:
    volume = make_volume(alice)
    for bad in ({"host": "a\0b"}, {"host": 5}, {"x": "y" * 5000}, []):
        assert refusal(reserve(alice, volume, connector=bad))[0] == 400, bad
    half = f'{{"attachment": {{"volume_uuid": "{volume["id"]}", "connector": {{"mountpoint": "\\ud800"}}}}}}'
    answer = alice.at("3.54").call("post", "/attachments", None, data=half, content_type="application/json")
    assert refusal(answer)[0] == 400
    assert not Attachment.objects.exists()
    assert reserve(alice, volume, connector={"host": "h\u00fc \U0001f600"}).status_code == 200
