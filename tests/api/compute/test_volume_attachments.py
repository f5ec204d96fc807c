"""os-volume_attachments: attach and detach, as rows, as Nova's answers, and on a simulated host."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.compute.models import BlockDevice, Server
from apps.volumes.models import Attachment, Volume
from apps.workflow.models import Run
from tests.api.compute import in_process
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
from workers.drivers.volume.base import VolumeSpec
from workers.engine import revert
from workers.mapping import servers as mapping
from workers.tasks.servers import volumes as steps

pytestmark = pytest.mark.django_db
MakeVolume = Callable[..., Volume]


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(revert, "RETRY_DELAY_SECONDS", 0)
    with in_process.worker(tmp_path, monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def server(alice: ComputeCaller, make_server: Callable[..., Server], worker: Worker) -> Server:
    """A running server with a root disk, and its guest."""
    server = make_server(alice, host=HOST, zone="nova", power_state=1)
    BlockDevice.objects.create(server=server, kind="root", size=3, device="vda")
    worker.drivers.hypervisor.spawn(mapping.spec_of(server, worker.drivers, (), ()))
    return server


@pytest.fixture
def make_volume(worker: Worker) -> MakeVolume:
    def make(owner: ComputeCaller, **values: Any) -> Volume:
        defaults = {"project_id": owner.project_id, "user_id": "u", "size": 1, "status": "available", "host": HOST}
        volume = Volume.objects.create(**{**defaults, **values})
        if volume.host == HOST:
            worker.drivers.volume.create_volume(VolumeSpec(str(volume.id), volume.size))
        return volume

    return make


def path_of(server: Server, volume: Volume | None = None) -> str:
    return f"/servers/{server.id}/os-volume_attachments" + (f"/{volume.id}" if volume else "")


def attach(caller: ComputeCaller, server: Server, volume: Volume, **values: Any) -> Any:
    return caller.post(path_of(server), {"volumeAttachment": {"volumeId": str(volume.id), **values}})


def plugged(worker: Worker, server: Server) -> list[str]:
    return list(worker.drivers.hypervisor.disks_of(str(server.id)))


def exports(worker: Worker) -> list[str]:
    return [export.volume_id for export in worker.drivers.volume.list_exports()]


def test_attach_and_detach(alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker) -> None:
    volume = make_volume(alice)
    answer = attach(alice, server, volume, device="/dev/xvdc")
    assert answer.status_code == 200, answer.content
    key = str(volume.id)
    expected = {"id": key, "volumeId": key, "serverId": str(server.id), "device": "/dev/vdb"}
    assert answer.json()["volumeAttachment"] == expected
    volume.refresh_from_db()
    assert volume.status == "reserved"
    assert alice.get(path_of(server, volume)).status_code == 404  # Terraform waits until it is attached
    assert alice.get(path_of(server)).json() == {"volumeAttachments": []}

    assert worker.work() == ["succeeded"]
    volume.refresh_from_db()
    attachment = Attachment.objects.get()
    assert (volume.status, attachment.status, attachment.device) == ("in-use", "attached", "/dev/vdb")
    assert (attachment.server_id, attachment.host, attachment.by_compute) == (server.id, HOST, True)
    assert plugged(worker, server) == [key] and exports(worker) == [key]
    assert alice.get(path_of(server)).json()["volumeAttachments"] == [expected]
    document = alice.get(f"/servers/{server.id}").json()["server"]
    assert document["os-extended-volumes:volumes_attached"] == [{"id": key}]
    newest = alice.at("2.89").get(path_of(server, volume)).json()["volumeAttachment"]
    assert newest == {
        "volumeId": key, "serverId": str(server.id), "device": "/dev/vdb", "tag": None, "delete_on_termination": False,
        "attachment_id": str(attachment.id), "bdm_uuid": str(BlockDevice.objects.get(kind="volume").id),
    }  # fmt: skip

    for _ in range(2):  # a client repeats its request
        answer = alice.delete(path_of(server, volume))
        assert answer.status_code == 202, answer.content
    volume.refresh_from_db()
    assert volume.status == "detaching"
    assert worker.work() == ["succeeded", "succeeded"]
    volume.refresh_from_db()
    assert (volume.status, Attachment.objects.count(), plugged(worker, server), exports(worker)) == (
        "available", 0, [], [],
    )  # fmt: skip
    assert alice.delete(path_of(server, volume)).status_code == 404
    actions = alice.get(f"/servers/{server.id}/os-instance-actions").json()["instanceActions"]
    assert [action["action"] for action in actions] == ["detach_volume", "attach_volume"]


@pytest.mark.parametrize("vm_state", ["shelved", "shelved_offloaded"])
def test_volumes_of_a_shelved_server(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, vm_state: str
) -> None:
    """409 before 2.20, with nothing changed; then as rows, which the guest finds when it is back."""
    host = HOST if vm_state == "shelved" else ""
    Server.objects.update(vm_state=vm_state, host=host, power_state=4)
    if not host:
        worker.drivers.hypervisor.destroy(str(server.id))
    volume = make_volume(alice)

    def asked(version: str, action: str) -> int:
        caller = alice.at(version)
        answer = attach(caller, server, volume) if action == "attach" else caller.delete(path_of(server, volume))
        return int(answer.status_code)

    for action, code, status in (("attach", 200, "in-use"), ("detach", 202, "available")):
        before = Volume.objects.get(id=volume.id).status
        assert asked("2.19", action) == 409 and not Run.objects.filter(state="running").exists()
        assert Volume.objects.get(id=volume.id).status == before
        assert asked("2.20", action) == code
        worker.work()
        assert Volume.objects.get(id=volume.id).status == status


UNKNOWN = "bcba2e32-9188-4429-8d98-497fa470dfbe"  # a part of tests' names, the same in all processes


@pytest.mark.parametrize(
    ("version", "body", "code", "sentence"),
    [
        ("2.1", {"volumeId": UNKNOWN}, 404, f"Volume {UNKNOWN} could not be found."),
        ("2.1", {"volumeId": "x"}, 400, "volumeId"),
        ("2.1", {}, 400, "volumeId"),
        ("2.1", {"volumeId": UNKNOWN, "tag": "data"}, 400, "microversion"),
        ("2.49", {"volumeId": UNKNOWN, "tag": "a,b"}, 400, "tag"),
        ("2.49", {"volumeId": UNKNOWN, "delete_on_termination": True}, 400, "microversion"),
        ("2.79", {"volumeId": UNKNOWN, "delete_on_termination": "maybe"}, 400, "delete_on_termination"),
        ("2.79", {"volumeId": UNKNOWN, "other": 1}, 400, "Additional properties"),
    ],
)
def test_refusals(
    alice: ComputeCaller, server: Server, version: str, body: dict[str, Any], code: int, sentence: str
) -> None:
    answer = alice.at(version).post(path_of(server), {"volumeAttachment": body})
    assert answer.status_code == code, answer.content
    assert sentence in next(iter(answer.json().values()))["message"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("values", "code", "sentence"),
    [
        ({"status": "creating"}, 400, "status must be available"),
        ({"status": "error"}, 400, "status must be available"),
        ({"status": "in-use"}, 400, "status must be available"),
        ({"multiattach": True}, 400, "2.60"),
    ],
)
def test_volumes_that_cannot_be_attached(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, values: dict[str, Any], code: int, sentence: str
) -> None:
    volume = make_volume(alice, **values)
    answer = attach(alice, server, volume)
    assert answer.status_code == code and sentence in next(iter(answer.json().values()))["message"], answer.content
    assert not Run.objects.exists() and not Attachment.objects.exists()
    volume.refresh_from_db()
    assert volume.status == values.get("status", "available")

    second = make_volume(alice)
    answer = attach(alice.at("2.101"), server, second)
    assert (answer.status_code, answer.content) == (202, b"")


def test_who_may_not(
    alice: ComputeCaller, bob: ComputeCaller, admin: ComputeCaller, server: Server, make_volume: MakeVolume
) -> None:
    theirs, own = make_volume(bob), make_volume(alice)
    for caller, volume in ((alice, theirs), (bob, theirs), (bob, own)):
        answer = attach(caller, server, volume)
        assert answer.status_code == 404, answer.content
    assert bob.get(path_of(server)).status_code == 404
    assert bob.delete(path_of(server, own)).status_code == 404
    assert not Run.objects.exists()
    assert attach(admin, server, theirs).status_code == 200  # an administrator may, as in Nova and Cinder


@pytest.mark.parametrize("values", [{"vm_state": "error"}, {"task_state": "powering-off"}, {"locked": True}])
def test_states_that_do_not_allow_it(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, values: dict[str, Any]
) -> None:
    first, second = make_volume(alice), make_volume(alice)
    attach(alice, server, first)
    worker.work()
    Server.objects.update(**values)
    assert attach(alice, server, second).status_code == 409
    assert alice.delete(path_of(server, first)).status_code == 409
    assert Run.objects.filter(leader_id=None).count() == 1 and Attachment.objects.count() == 1


@pytest.mark.parametrize("state", ["stopped", "paused"])
def test_a_server_that_does_not_run(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, state: str
) -> None:
    """A stopped server has the disk at its next start, and may lose it before that."""
    if state == "stopped":
        worker.drivers.hypervisor.stop(str(server.id), 0)
    else:
        worker.drivers.hypervisor.pause(str(server.id))
    Server.objects.update(vm_state=state)
    volume, other = make_volume(alice), make_volume(alice)
    attach(alice, server, volume)
    attach(alice, server, other) if worker.work() == ["succeeded"] else None
    worker.work()
    assert alice.delete(path_of(server, other)).status_code == 202
    assert worker.work() == ["succeeded"] * 3
    if state == "stopped":
        worker.drivers.volume.close_export(str(volume.id), worker.drivers.volume.list_exports()[0].name)
        assert alice.post(f"/servers/{server.id}/action", {"os-start": None}).status_code == 202
        assert worker.work() == ["succeeded"] * 4
    assert plugged(worker, server) == [str(volume.id)] and exports(worker) == [str(volume.id)]


@pytest.mark.parametrize("op", ["open_export", "attach_disk"])
@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_an_attach_that_fails_leaves_nothing(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, op: str, when: str
) -> None:
    volume = make_volume(alice)
    worker.plan({"op": op, "error": "abort", "when": when})
    attach(alice, server, volume)
    assert worker.work() == ["failed"]
    assert plugged(worker, server) == [] and exports(worker) == []
    assert not Attachment.objects.exists() and not BlockDevice.objects.filter(kind="volume").exists()
    volume.refresh_from_db()
    assert volume.status == "available"
    worker.plan()
    assert attach(alice, server, volume).status_code == 200  # CSI repeats it
    assert worker.work() == ["failed", "succeeded"]


@pytest.mark.parametrize("op", ["detach_disk", "close_export"])
@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_a_detach_that_fails_keeps_the_volume_or_goes_forward(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, op: str, when: str
) -> None:
    volume = make_volume(alice)
    attach(alice, server, volume)
    worker.work()
    worker.plan({"op": op, "error": "abort" if op == "detach_disk" else "retryable", "when": when, "times": 1})
    assert alice.delete(path_of(server, volume)).status_code == 202
    outcome = worker.work()[1]
    volume.refresh_from_db()
    kept = op == "detach_disk"
    assert (outcome, volume.status) == (("failed", "in-use") if kept else ("succeeded", "available"))
    assert plugged(worker, server) == exports(worker) == ([str(volume.id)] if kept else [])
    assert alice.delete(path_of(server, volume)).status_code == (202 if kept else 404)
    worker.work()
    assert not Attachment.objects.exists()


def test_a_guest_that_holds_its_disk(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for by a long step, until a deadline within the patience of CSI."""
    volume, asked = make_volume(alice), []
    attach(alice, server, volume)
    worker.work()

    def hold(self: Any, server_id: str, serial: str, timeout_s: float) -> None:
        asked.append(Run.objects.get(action="detach_volume", leader_id=None).queue)
        raise steps.GuestHoldsDevice("It holds it.")

    monkeypatch.setattr(type(worker.drivers.hypervisor), "detach_disk", hold)
    assert steps.RELEASE_SECONDS + 2 * steps.ASK_SECONDS < 48
    monkeypatch.setattr(steps, "RELEASE_SECONDS", 0)
    assert alice.delete(path_of(server, volume)).status_code == 202
    assert worker.work()[1] == "failed"
    assert set(asked) == {f"host.{HOST}", f"host.{HOST}.long"}
    volume.refresh_from_db()
    assert volume.status == "in-use"


def test_detach_while_it_is_attached(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker
) -> None:
    volume = make_volume(alice)
    attach(alice, server, volume)
    for _ in range(2):
        answer = alice.delete(path_of(server, volume))
        assert answer.status_code == 202, answer.content
    assert worker.work() == ["cancelled", "succeeded"]
    assert not Attachment.objects.exists() and plugged(worker, server) == []


def test_several_volumes_wait_for_their_turn(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client attaches many at once, as Kubernetes does; each gets another name, and names are used again."""
    from apps.compute.services import device_changes

    monkeypatch.setattr(device_changes.time, "sleep", lambda _: worker.work())
    made = [make_volume(alice) for _ in range(3)]
    devices = [attach(alice, server, volume).json()["volumeAttachment"]["device"] for volume in made]
    assert devices == ["/dev/vdb", "/dev/vdc", "/dev/vdd"]
    assert alice.delete(path_of(server, made[0])).status_code == 202
    assert alice.delete(path_of(server, made[1])).status_code == 202
    worker.work()
    assert attach(alice, server, made[1]).json()["volumeAttachment"]["device"] == "/dev/vdb"
    monkeypatch.setattr(device_changes, "BUSY_SECONDS", 0)
    monkeypatch.setattr(device_changes.time, "sleep", lambda _: None)
    assert alice.delete(path_of(server, made[2])).status_code == 400  # never a conflict


def test_delete_on_termination_and_tags(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker
) -> None:
    volume, other = make_volume(alice), make_volume(alice)
    caller, key = alice.at("2.85"), str(volume.id)
    answer = attach(alice.at("2.79"), server, volume, tag="data", delete_on_termination=True)
    worker.work()
    document = answer.json()["volumeAttachment"]
    assert (document["tag"], document["delete_on_termination"]) == ("data", True)
    body = {"volumeAttachment": {"volumeId": key, "delete_on_termination": False}}
    assert caller.put(path_of(server, volume), body).status_code == 202
    shown = caller.get(f"/servers/{server.id}").json()["server"]["os-extended-volumes:volumes_attached"]
    assert shown == [{"id": key, "delete_on_termination": False}]
    swap = {"volumeAttachment": {"volumeId": str(other.id)}}
    refused = [(alice, body, 403), (alice, swap, 403), (caller, swap, 403), (alice.at("2.84"), body, 403)]
    for who, values, code in refused:
        answer = who.put(path_of(server, volume), values)
        assert answer.status_code == code, answer.content
    assert caller.put(path_of(server, other), swap).status_code == 404


def test_a_list_has_pages(alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker) -> None:
    for _ in range(3):
        attach(alice, server, make_volume(alice))
        worker.work()
    listed = alice.get(f"{path_of(server)}?limit=1&offset=1").json()["volumeAttachments"]
    assert [row["device"] for row in listed] == ["/dev/vdc"]


def test_the_disks_of_a_server_are_limited(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker
) -> None:
    for index in range(1, 24):
        BlockDevice.objects.create(
            server=server, kind="volume", position=index, device=f"vd{chr(97 + index)}", volume_id=uuid.uuid4()
        )
    answer = attach(alice, server, make_volume(alice))
    assert answer.status_code == 403 and "maximum allowed number of disk devices (24)" in str(answer.content)


def test_an_attach_that_cannot_be_undone_ends_with_the_volume_attached(
    alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guest that may have the disk keeps it: its volume is not given to another server, and the run ends."""

    def hold(self: Any, server_id: str, serial: str, timeout_s: float) -> None:
        raise steps.GuestHoldsDevice("It holds it.")

    volume = make_volume(alice)
    worker.plan({"op": "attach_disk", "error": "abort", "when": "after"})
    attach(alice, server, volume)
    with monkeypatch.context() as patched:
        patched.setattr(type(worker.drivers.hypervisor), "detach_disk", hold)
        assert worker.work() == ["failed"]
    volume.refresh_from_db()
    assert volume.status == "in-use" and plugged(worker, server) == [str(volume.id)]
    assert alice.delete(path_of(server, volume)).status_code == 202
    assert worker.work() == ["failed", "succeeded"]
    volume.refresh_from_db()
    assert volume.status == "available"
