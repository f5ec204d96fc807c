"""A volume moves to another back end while a server has it: by operators, or because its new type asks for it."""

import contextlib
from typing import Any

import pytest
from django.db.transaction import atomic

from apps.common.context import RequestContext
from apps.compute.models import BlockDevice, Server
from apps.scheduling.models import Allocation
from apps.volumes import exceptions
from apps.volumes.models import Attachment, Volume, VolumeType
from apps.volumes.services import attached_migrations, managing, volume_migrations, volume_retype
from apps.workflow.models import Run
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
from tests.api.compute.test_volume_attachments import attach, path_of, plugged, server
from tests.unit.volumes.test_backends import OTHER, begin, pool, worker
from tests.unit.volumes.test_migrations import agent
from workers.consistency import check
from workers.engine import revert, runner
from workers.engine.errors import Stale
from workers.host.reconcilers import volumes as reconciler
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import volumes as mapping
from workers.pipelines.registry import PIPELINES

__all__ = ["agent", "server", "worker"]
pytestmark = pytest.mark.django_db
CONTEXT = RequestContext(user_id="u", project_id="p")


@pytest.fixture
def volume(alice: ComputeCaller, server: Server, worker: Worker) -> Volume:
    """A volume on the back end `local` that the server has."""
    made = begin("local")
    worker.work()
    Volume.objects.filter(id=made.id).update(project_id=alice.project_id)
    answer = attach(alice, server, made)
    assert answer.status_code == 200, answer.content
    worker.work()
    made.refresh_from_db()
    assert made.status == "in-use"
    return made


def where(worker: Worker, volume: Volume) -> list[str]:
    return [name for name, pool in worker.drivers.volume.backends().items() if pool.has(str(volume.id))]


def is_settled(worker: Worker, server: Server, volume: Volume, backend: str) -> bool:
    """The guest has the volume on this back end, and nothing is left elsewhere."""
    volume.refresh_from_db()
    row, device = Attachment.objects.get(), BlockDevice.objects.get(kind="volume")
    assert (volume.status, volume.backend, volume.target_host, volume.target_claim) == ("in-use", backend, "", None)
    assert (row.status, row.at_target, device.attachment_id) == ("attached", False, row.id)
    assert where(worker, volume) == [backend] and plugged(worker, server) == [str(volume.id)]
    opened = [(it.volume_id, it.name) for it in worker.drivers.volume.list_exports()]
    assert opened == [(str(volume.id), f"e{row.export}")]
    assert worker.drivers.hypervisor.disk_source(str(server.id), str(volume.id)) == f"e{row.export}"
    assert Allocation.objects.filter(consumer_id=volume.id).count() == Allocation.objects.count() == 1
    left = [item for item in (*check.of_rows(), *check.of_host(worker.drivers)) if str(volume.id) in item.what]
    return not left


def test_there_and_back(alice: ComputeCaller, server: Server, volume: Volume, worker: Worker) -> None:
    before = Attachment.objects.get().id
    for backend in ("ssd", "local"):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@{backend}#{backend}")
        volume.refresh_from_db()
        assert (volume.status, volume.migration_status) == ("maintenance", "starting")
        assert alice.delete(path_of(server, volume)).status_code in (400, 409)
        assert worker.work()[-1] == "succeeded"
        assert is_settled(worker, server, volume, backend) and volume.migration_status == "success"
    assert Attachment.objects.get().id != before
    assert alice.delete(path_of(server, volume)).status_code == 202
    assert worker.work()[-1] == "succeeded" and plugged(worker, server) == []


def test_of_a_stopped_server(server: Server, volume: Volume, worker: Worker) -> None:
    worker.drivers.hypervisor.stop(str(server.id), 0)
    Server.objects.update(vm_state="stopped")
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    assert worker.work()[-1] == "succeeded"
    assert worker.drivers.volume.list_exports() == () and where(worker, volume) == ["ssd"]


def test_retype(server: Server, volume: Volume, worker: Worker) -> None:
    fast = VolumeType.objects.create(name="fast", extra_specs={"volume_backend_name": "ssd"})
    with pytest.raises(exceptions.InvalidInput):
        volume_retype.retype(context=CONTEXT, volume=volume, volume_type=fast)
    volume_retype.retype(context=CONTEXT, volume=volume, volume_type=fast, may_move=True)
    volume.refresh_from_db()
    assert volume.status == "retyping"
    assert worker.work()[-1] == "succeeded"
    assert is_settled(worker, server, volume, "ssd") and volume.volume_type == fast


PASSED = [("swap_disk", "after")]  # the guest is at the target


@pytest.mark.parametrize("op", ["create_volume", "open_export", "swap_disk", "close_export", "delete_volume"])
@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_a_failure_leaves_one_of_the_two(server: Server, volume: Volume, worker: Worker, op: str, when: str) -> None:
    """A guest that went on at the target has it there, whatever the step said."""
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    worker.plan({"op": op, "when": when, "times": 1, "error": "abort", "message": "No."})
    outcome = worker.work()[-1]
    expected = "succeeded" if (op, when) in PASSED else "failed"
    assert outcome == expected
    assert is_settled(worker, server, volume, "ssd" if outcome == "succeeded" else "local")
    assert volume.migration_status == ("success" if outcome == "succeeded" else "error")


@pytest.mark.parametrize(
    ("values", "state", "why"),
    [
        ({"server_id": None}, "active", "attached to no running server"),
        ({"status": "detaching"}, "active", "attached to no running server"),
        ({"by_compute": False}, "active", "attached to no running server"),
        ({"host": ""}, "active", "attached to no running server"),
        ({"mode": "ro"}, "active", "read-only"),
        ({"encrypted": True}, "active", "encrypted"),
        ({}, "suspended", "its server is suspended"),
    ],
)
def test_refusals(server: Server, volume: Volume, values: dict[str, Any], state: str, why: str) -> None:
    """A suspended guest's memory is of the disk that it had."""
    is_encrypted = values.pop("encrypted", False)
    Volume.objects.filter(id=volume.id).update(encrypted=is_encrypted)
    Attachment.objects.update(**values or {"mode": "rw"})
    Server.objects.update(vm_state=state)
    with pytest.raises(exceptions.InvalidVolume, match=why):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")


def test_a_pool_that_all_hosts_see(server: Server, volume: Volume, worker: Worker) -> None:
    """It has one copy of the volume, wherever it would go."""
    Volume.objects.filter(id=volume.id).update(backend="nfs")
    pool("nfs", OTHER)
    with pytest.raises(exceptions.InvalidVolume, match="all hosts see"):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{OTHER}@nfs#nfs")
    volume.refresh_from_db()
    known, to = managing.Unmanaged(False, volume.host, "nfs"), {"backend": "nfs", "host": OTHER}
    with pytest.raises(exceptions.InvalidVolume, match="all hosts see"), atomic():
        volume_migrations.begin(context=CONTEXT, row=volume, known=known, status="maintenance", **to)


@pytest.fixture
def gone_over(server: Server, volume: Volume, worker: Worker) -> Run:
    """A run whose guest is at the target already, as its agent died before the record."""
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    run: Run = Run.objects.get(pipeline="volume.migrate_attached", leader_id=None)
    for _ in range(2):
        worker.step(run)
        run.refresh_from_db()
    row = Volume.objects.get(id=volume.id)
    there = attached_migrations.arrival(volume=row, run_id=run.id, attachment=Attachment.objects.get())
    export = mapping.connect(there, worker.drivers)
    disk = mapping.disk_spec(Attachment.objects.exclude(id=run.id).select_related("volume").get(), export)
    assert worker.drivers.hypervisor.swap_disk(str(server.id), disk, 2 << 30)
    return run


def test_a_revert_waits_for_the_one_who_knows(
    server: Server, volume: Volume, worker: Worker, gone_over: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's host is out of reach: the target is not removed, the guest may have it."""
    runs.order_revert(run=gone_over, cause="HostDown", message="It went down.", queue="scheduler")
    monkeypatch.setattr(revert.hosts, "is_up", lambda host: False)
    for _ in range(2):
        gone_over.refresh_from_db()
        run_detached(gone_over)
        assert where(worker, volume) == ["local", "ssd"]
        gone_over.refresh_from_db()
        assert gone_over.state == "reverting"
        Run.objects.filter(id=gone_over.id).update(step_state="queued")  # as the sweeper sends it again
    monkeypatch.setattr(revert.hosts, "is_up", lambda host: True)
    run_detached(gone_over)
    assert worker.work()[-1] == "succeeded"
    assert is_settled(worker, server, volume, "ssd")


def run_detached(run: Run) -> None:
    """Be the worker of the scheduler's queue."""
    run.refresh_from_db()
    message = {
        "run_id": str(run.id), "subject_id": str(run.subject_id), "token": run.token, "host": run.host,
        "unreachable": run.host, "long": False, "also": run.also,
    }  # fmt: skip
    with contextlib.suppress(Stale):
        runner.run_revert(PIPELINES[run.pipeline], message, None)


def test_rows_that_changed_by_half(server: Server, volume: Volume, worker: Worker, gone_over: Run) -> None:
    """A worker was killed in a revert: the volume is there already, its attachment not."""
    volume_migrations.switch(volume_id=volume.id, run_id=gone_over.id, volume_type_id=None, form="qcow2")
    runs.order_revert(run=gone_over, cause="Timeout", message="Too late.")
    assert worker.work()[-1] == "succeeded" and is_settled(worker, server, volume, "ssd")


def test_a_guest_that_is_deleted_at_the_target(
    alice: ComputeCaller, server: Server, volume: Volume, worker: Worker, gone_over: Run
) -> None:
    """What it wrote there is kept."""
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    [deletion] = Run.objects.filter(pipeline__startswith="server.delete", leader_id=None)
    assert (deletion.pipeline, deletion.host) == ("server.delete", server.host)
    worker.work()
    volume.refresh_from_db()
    assert (volume.status, volume.backend, Attachment.objects.count()) == ("available", "ssd", 0)


def test_a_busy_server(alice: ComputeCaller, server: Server, volume: Volume) -> None:
    assert alice.post(f"/servers/{server.id}/action", {"reboot": {"type": "HARD"}}).status_code == 202
    with pytest.raises(exceptions.InvalidVolume, match="rebooting_hard"):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status) == ("in-use", "")


def test_a_server_that_is_deleted_meanwhile(
    alice: ComputeCaller, server: Server, volume: Volume, worker: Worker
) -> None:
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    for _ in range(2):
        worker.step(Run.objects.get(pipeline="volume.migrate_attached", leader_id=None))
    assert where(worker, volume) == ["local", "ssd"]
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    worker.work()
    volume.refresh_from_db()
    assert (volume.status, volume.target_host, Attachment.objects.count()) == ("available", "", 0)
    reconciler.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=False))
    assert where(worker, volume) == ["local"]
