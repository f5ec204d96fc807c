"""Another volume in the place of a server's (PUT os-volume_attachments): rows, answers, and a simulated host."""

import uuid
from typing import Any

import pytest

from apps.compute.models import BlockDevice, Server
from apps.volumes.models import Attachment, Volume
from apps.workflow.models import Run
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import Worker
from tests.api.compute.test_volume_attachments import (
    MakeVolume,
    attach,
    exports,
    make_volume,
    path_of,
    plugged,
    server,
    worker,
)
from workers.consistency import check

__all__ = ["make_volume", "server", "worker"]
pytestmark = pytest.mark.django_db
STATUS = {True: ("available", "in-use"), False: ("in-use", "available")}  # of both, by whether they were swapped


@pytest.fixture
def pair(alice: ComputeCaller, server: Server, make_volume: MakeVolume, worker: Worker) -> list[Volume]:
    """Two volumes; the server has the first one."""
    made = [make_volume(alice), make_volume(alice, size=2)]
    attach(alice, server, made[0])
    worker.work()
    return made


def swap(caller: ComputeCaller, server: Server, old: Volume, new: Any) -> Any:
    body = {"volumeAttachment": {"volumeId": str(getattr(new, "id", new))}}
    return caller.put(path_of(server, old), body)


def is_settled(worker: Worker, server: Server, pair: list[Volume], *, swapped: bool) -> bool:
    """The server has one of the two volumes, in rows and on its host; nothing is left of the other one's."""
    for volume in pair:
        volume.refresh_from_db()
    row, device = Attachment.objects.get(), BlockDevice.objects.get(kind="volume")
    mine = pair[1] if swapped else pair[0]
    assert tuple(volume.status for volume in pair) == STATUS[swapped]
    assert (row.volume_id, row.status, row.device, device.attachment_id) == (mine.id, "attached", "/dev/vdb", row.id)
    assert (device.volume_id, device.is_attached) == (mine.id, True)
    assert exports(worker) == [str(mine.id)]
    source = worker.drivers.hypervisor.disk_source(str(server.id), plugged(worker, server)[0])
    assert source == f"e{row.export}"
    return [item for item in check.of_host(worker.drivers) if item.kind == "export"] == []


def test_swap_and_back(admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker) -> None:
    first, second = pair
    assert swap(admin.at("2.85"), server, first, second).status_code == 202
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("detaching", "reserved")
    assert worker.work()[-1] == "succeeded"
    assert is_settled(worker, server, pair, swapped=True)
    assert plugged(worker, server) == [str(first.id)]  # as the guest knows the disk
    Volume.objects.filter(id=first.id).update(size=2)
    assert swap(admin, server, second, first).status_code == 202
    assert worker.work()[-1] == "succeeded"
    assert is_settled(worker, server, pair, swapped=False)
    assert Attachment.objects.get().serial == ""


def test_a_guest_knows_one_disk_by_an_id(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker
) -> None:
    swap(admin, server, *pair)
    worker.work()
    answer = attach(alice, server, pair[0])
    assert answer.status_code == 400 and "Detach that one first" in answer.json()["badRequest"]["message"]
    assert alice.delete(path_of(server, pair[1])).status_code == 202
    assert worker.work()[-1] == "succeeded"
    assert plugged(worker, server) == exports(worker) == [] and not Attachment.objects.exists()
    assert attach(alice, server, pair[0]).status_code == 200


def test_of_a_stopped_server(admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker) -> None:
    """It starts with the new volume, by its own ID."""
    worker.drivers.hypervisor.stop(str(server.id), 0)
    Server.objects.update(vm_state="stopped")
    swap(admin, server, *pair)
    assert worker.work()[-1] == "succeeded"
    assert exports(worker) == [] and Attachment.objects.get().serial == ""
    assert admin.post(f"/servers/{server.id}/action", {"os-start": None}).status_code == 202
    assert worker.work()[-1] == "succeeded"
    assert plugged(worker, server) == [str(pair[1].id)] and is_settled(worker, server, pair, swapped=True)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"size": 0}, "same size or larger"),
        ({"status": "error"}, "status must be available"),
        ({"project_id": "other"}, "could not be found"),
        ({"id": None}, "could not be found"),
        ({"own": True}, "already"),
    ],
)
def test_refusals(
    admin: ComputeCaller, server: Server, pair: list[Volume], values: dict[str, Any], sentence: str
) -> None:
    target: Any = pair[1]
    if "id" in values:
        target = uuid.uuid4()
    elif "own" in values:
        target = pair[0]
    else:
        Volume.objects.filter(id=pair[1].id).update(**values)
    answer = swap(admin, server, pair[0], target)
    assert answer.status_code == 400, answer.content
    assert sentence in answer.json()["badRequest"]["message"]
    assert Attachment.objects.count() == 1 and Run.objects.filter(leader_id=None).count() == 1


def test_shared_volumes_are_not_swapped(admin: ComputeCaller, server: Server, pair: list[Volume]) -> None:
    Attachment.objects.create(volume=pair[0], server_id=uuid.uuid4(), status="attached", mode="rw")
    answer = swap(admin, server, *pair)
    assert answer.status_code == 400 and "multi-attach" in answer.json()["badRequest"]["message"]


@pytest.mark.parametrize("op", ["open_export", "swap_disk", "close_export"])
@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_a_failure_leaves_one_of_the_two(
    admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker, op: str, when: str
) -> None:
    """A guest that went on with the new volume has it, whatever the step said."""
    worker.plan({"op": op, "error": "abort" if op != "close_export" else "retryable", "when": when, "times": 1})
    swap(admin, server, *pair)
    swapped = op == "close_export" or (op, when) == ("swap_disk", "after")
    worker.work()
    assert is_settled(worker, server, pair, swapped=swapped)


def test_a_server_that_is_deleted_meanwhile(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker
) -> None:
    swap(admin, server, *pair)
    worker.step(Run.objects.get(pipeline="server.swap_volume", leader_id=None))
    assert len(exports(worker)) == 2
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    worker.work()
    assert exports(worker) == [] and not Attachment.objects.exists()
    assert set(Volume.objects.values_list("status", flat=True)) == {"available"}
