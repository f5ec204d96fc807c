"""Another volume in the place of a server's (PUT os-volume_attachments): rows, answers, and a simulated host."""

import uuid
from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import BlockDevice, Server
from apps.scheduling.models import Host
from apps.volumes.exceptions import InvalidVolume
from apps.volumes.models import Attachment, QosSpec, Volume, VolumeType
from apps.volumes.services import volumes
from apps.workflow.models import Finding, Run
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
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
from workers.drivers.volume.base import ExportSpec
from workers.host import peers, recovery
from workers.host.reconcilers import copies, power, swaps
from workers.host.reconcilers import exports as reconciler
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import volumes as mapping
from workers.periodic.reconcilers import volumes as rows_reconciler

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


def swap(caller: ComputeCaller, server: Server, old: Volume, new: Any, **values: Any) -> Any:
    body = {"volumeAttachment": {"volumeId": str(getattr(new, "id", new)), **values}}
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
    limits = QosSpec.objects.create(name="slow", consumer="front-end", specs={"total_iops_sec": "100"})
    Volume.objects.filter(id=second.id).update(volume_type=VolumeType.objects.create(name="slow", qos_spec=limits))
    assert swap(admin.at("2.85"), server, first, second, delete_on_termination=True).status_code == 202
    assert BlockDevice.objects.get(kind="volume").delete_on_termination
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("detaching", "reserved")
    assert worker.work()[-1] == "succeeded"
    assert is_settled(worker, server, pair, swapped=True)
    assert plugged(worker, server) == [str(first.id)]  # as the guest knows the disk
    assert worker.record("domains", server.id)["limits"][str(first.id)] == {"total_iops_sec": 100}
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


def test_of_a_resized_server(admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker) -> None:
    """Before it is confirmed, too, as in Nova."""
    Server.objects.update(vm_state="resized")
    swap(admin, server, *pair)
    assert worker.work()[-1] == "succeeded" and Server.objects.get(id=server.id).vm_state == "resized"
    assert is_settled(worker, server, pair, swapped=True)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"size": 0}, "same size or larger"),
        ({"status": "error"}, "must be detached"),
        ({"status": "in-use", "multiattach": True}, "must be detached"),
        ({"read_only": True}, "Read-only"),
        ({"encrypted": True}, "Encrypted"),
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
    more = {} if "own" in values else {"delete_on_termination": True}
    answer = swap(admin.at("2.85") if more else admin, server, pair[0], target, **more)
    assert answer.status_code == 400, answer.content
    assert not BlockDevice.objects.get(kind="volume").delete_on_termination
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


def test_an_old_export_whose_step_is_given_up(
    admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker, settings: Any
) -> None:
    """The step's revert closes it, and does not leave that to the host's next look."""
    worker.plan({"op": "close_export", "error": "retryable", "when": "before", "times": settings.MAX_ATTEMPTS})
    swap(admin, server, *pair)
    assert worker.work()[-1] == "failed"
    assert exports(worker) == [str(pair[1].id)] and Attachment.objects.get().volume == pair[1]


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


def test_a_stray_export_takes_no_other_disk(
    admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker
) -> None:
    """The guest knows the new volume by the old one's ID."""
    swap(admin, server, *pair)
    worker.work()
    worker.drivers.volume.open_export(str(pair[0].id), ExportSpec("stray"))
    reconciler.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=False))
    assert exports(worker) == [str(pair[1].id)] and plugged(worker, server) == [str(pair[0].id)]


def test_where_it_goes_its_disk_is_known_by_its_serial(
    admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers.connection, "close", lambda: None)
    swap(admin, server, *pair)
    worker.work()
    assert list(peers._exports(worker.drivers, str(server.id))) == [str(pair[0].id)]


def test_nobody_ends_it_but_its_run(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker, settings: Any
) -> None:
    """Which volume the guest has, the run alone finds out."""
    host = Host.objects.filter(name=HOST)
    if not host:
        Host.objects.create(name=HOST, number=90)
    swap(admin, server, *pair)
    for volume in pair:
        with pytest.raises(InvalidVolume, match="being swapped"):
            volumes.reset_status(volume=volume, values={"status": "available"})
    settings.RECLAIM_INSTANCE_INTERVAL = 3600
    Server.objects.update(launched_at=timezone.now())
    assert alice.delete(f"/servers/{server.id}").status_code == 409
    body = {"os-resetState": {"state": "active"}}
    assert admin.post(f"/servers/{server.id}/action", body).status_code == 409
    assert worker.work()[-1] == "succeeded" and is_settled(worker, server, pair, swapped=True)


@pytest.mark.parametrize("passed", [False, True])
def test_without_a_run_it_goes_by_the_guest(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker, passed: bool
) -> None:
    """Until its host has said which volume the guest has, both are kept, and no other guest gets one of them."""
    swap(admin, server, *pair)
    worker.step(Run.objects.get(pipeline="server.swap_volume", leader_id=None))
    old, new = Attachment.objects.get(volume=pair[0]), Attachment.objects.get(volume=pair[1])
    if passed:
        disk = mapping.disk_spec(old, mapping.connect(new, worker.drivers))
        assert worker.drivers.hypervisor.swap_disk(str(server.id), disk, 2 << 30)
    runs.cancel_active(subject_type="server", subject_id=server.id, reason="A test.")
    rows_reconciler.reconcile(FindingReport())
    assert set(Volume.objects.values_list("status", flat=True)) == {"detaching", "reserved"}
    assert any("whether its guest has it" in item.details for item in check.of_rows())
    answer = alice.post(f"/servers/{server.id}/action", {"reboot": {"type": "HARD"}})
    assert answer.status_code == 409 and b"which copy" in answer.content
    recovery.recover(worker.drivers)
    assert is_settled(worker, server, pair, swapped=passed)
    assert Finding.objects.get(kind="swap", subject=str(pair[1].id)).done
    assert alice.post(f"/servers/{server.id}/action", {"reboot": {"type": "HARD"}}).status_code == 202


def test_without_a_run_and_a_domain_an_operator_ends_it(
    admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker
) -> None:
    swap(admin, server, *pair)
    worker.step(Run.objects.get(pipeline="server.swap_volume", leader_id=None))
    runs.cancel_active(subject_type="server", subject_id=server.id, reason="A test.")
    worker.drivers.hypervisor.destroy(str(server.id))
    swaps.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=False))
    assert "nobody knows" in Finding.objects.get(kind="swap").done and Attachment.objects.count() == 2
    volumes.reset_status(volume=pair[1], values={"status": "available"})
    rows_reconciler.reconcile(FindingReport())
    assert Attachment.objects.get().volume == pair[0]
    assert set(Volume.objects.values_list("status", flat=True)) == {"in-use", "available"}


def test_a_machine_that_restarts_meanwhile(
    admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker
) -> None:
    """The guest that ran is started when the run is over."""
    swap(admin, server, *pair)
    worker.drivers.hypervisor.stop(str(server.id), 0)
    power.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=True))
    server.refresh_from_db()
    assert power.is_unknown(server)


def test_a_copy_that_nobody_waits_for(admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker) -> None:
    """Its run was given up on the rows alone: recovery ends it, and none of a run."""

    def recovered() -> bool:
        record, hypervisor = worker.record("domains", server.id), worker.drivers.hypervisor
        hypervisor._simulation.write("domains", str(server.id), {**record, "copied": True})  # type: ignore[attr-defined]
        copies.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=False))
        return hypervisor.copied() == ()

    swap(admin, server, *pair)
    assert not recovered()
    worker.work()
    assert recovered() and is_settled(worker, server, pair, swapped=True)


def test_a_guest_that_is_deleted_with_the_new_one(
    alice: ComputeCaller, admin: ComputeCaller, server: Server, pair: list[Volume], worker: Worker
) -> None:
    """Its agent died before the record: the device is what the guest had."""
    swap(admin, server, *pair)
    worker.step(Run.objects.get(pipeline="server.swap_volume", leader_id=None))
    old, new = Attachment.objects.get(volume=pair[0]), Attachment.objects.get(volume=pair[1])
    disk = mapping.disk_spec(old, mapping.connect(new, worker.drivers))
    worker.drivers.hypervisor.swap_disk(str(server.id), disk, 2 << 30)
    BlockDevice.objects.update(delete_on_termination=True)
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    worker.work()
    assert [row.status for row in Volume.objects.order_by("size")] == ["available", "deleted"]
