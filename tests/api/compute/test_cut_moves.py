"""A volume that was moving while a server had it, and whose run is gone: its guest's host says where it is."""

from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import Server
from apps.compute.services import server_volumes
from apps.operations.consistency import rows
from apps.scheduling.models import Allocation
from apps.volumes.models import Attachment, Volume
from apps.volumes.services import cut_moves, volumes
from apps.workflow.models import Run
from apps.workflow.services import runs
from apps.workflow.services.findings import FindingReport
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
from tests.api.compute.test_attached_migrations import CONTEXT, gone_over, is_settled, volume, where
from tests.api.compute.test_volume_attachments import server
from tests.unit.volumes.test_backends import worker
from tests.unit.volumes.test_migrations import agent
from workers.consistency import check
from workers.host import boot, recovery
from workers.host.reconcilers import arrivals, power
from workers.host.reconcilers import volumes as reconciler
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import volumes as mapping
from workers.periodic.reconcilers import volumes as rows_reconciler

__all__ = ["agent", "gone_over", "server", "volume", "worker"]
pytestmark = pytest.mark.django_db


def lose_run(volume: Volume) -> None:
    runs.cancel_active(subject_type="volume", subject_id=volume.id, reason="A test.")
    rows_reconciler.reconcile(FindingReport())


def test_what_no_run_works_on_goes_where_the_guest_is(
    alice: ComputeCaller, server: Server, volume: Volume, worker: Worker, gone_over: Run
) -> None:
    """Until its host has said it, both copies are kept, and the guest gets no other one."""
    lose_run(volume)
    volume.refresh_from_db()
    assert (volume.status, volume.target_host, Attachment.objects.count()) == ("maintenance", HOST, 2)
    assert any("which copy its guest has" in item.details for item in check.of_rows())
    answer = alice.post(f"/servers/{server.id}/action", {"reboot": {"type": "HARD"}})
    assert answer.status_code == 409 and b"which copy" in answer.content
    recovery.recover(worker.drivers)
    assert is_settled(worker, server, volume, "ssd") and volume.migration_status == "success"


def test_what_no_run_works_on_stays_with_a_guest_that_stayed(
    server: Server, volume: Volume, worker: Worker, gone_over: Run
) -> None:
    there = Attachment.objects.select_related("volume").get(id=gone_over.id)
    before = Attachment.objects.select_related("volume").exclude(id=gone_over.id).get()
    disk = mapping.disk_spec(there, mapping.connect(before, worker.drivers))
    assert worker.drivers.hypervisor.swap_disk(str(server.id), disk, 2 << 30)
    lose_run(volume)
    recovery.recover(worker.drivers)
    assert is_settled(worker, server, volume, "local") and volume.migration_status == "error"


@pytest.mark.parametrize("given_up", [False, True])
def test_a_server_that_is_deleted_while_nobody_knows(
    alice: ComputeCaller, server: Server, volume: Volume, worker: Worker, gone_over: Run, given_up: bool
) -> None:
    """Its host was out of reach: its domain, which is there when the host is back, knows it. Or an operator does."""
    runs.cancel_active(subject_type="volume", subject_id=volume.id, reason="A test.")
    server_volumes.release(context=CONTEXT, server_id=server.id)
    rows_reconciler.reconcile(FindingReport())
    reconciler.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=False))
    volume.refresh_from_db()
    assert (volume.status, volume.error, where(worker, volume)) == ("error", cut_moves.UNDECIDED, ["local", "ssd"])
    Server.objects.update(deleted_at=timezone.now())
    if given_up:
        volumes.reset_status(volume=volume, values={"status": "available"})
        rows_reconciler.reconcile(FindingReport())
    recovery.recover(worker.drivers)
    volume.refresh_from_db()
    backend = "local" if given_up else "ssd"
    assert (volume.status, volume.backend, where(worker, volume)) == ("available", backend, [backend])
    assert (Attachment.objects.count(), Allocation.objects.filter(consumer_id=volume.id).count()) == (0, 1)
    assert worker.drivers.hypervisor.info(str(server.id)) is None and not rows.misplaced()


def test_no_guest_starts_with_the_older_copy(
    server: Server, volume: Volume, worker: Worker, gone_over: Run, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Its machine restarts, and nobody can decide then. The other guests are started all the same."""
    settings.RESUME_GUESTS = True
    started: list[Any] = []
    monkeypatch.setattr(power, "_start", lambda drivers, row: started.append(row.id) is None)
    monkeypatch.setattr(boot, "restarted", lambda paths: True)
    follow, failures = arrivals._follow, [RuntimeError("A deadlock, say.")]

    def fail_once(*of: Any) -> str:
        if failures:
            raise failures.pop()
        return follow(*of)

    monkeypatch.setattr(arrivals, "_follow", fail_once)
    other = Server.objects.get(id=server.id)
    other.id, other.has_volumes = None, False
    other.save()
    lose_run(volume)
    worker.drivers.hypervisor.stop(str(server.id), 0)
    recovery.recover(worker.drivers)
    assert started == [other.id] and where(worker, volume) == ["local", "ssd"]
    monkeypatch.setattr(boot, "restarted", lambda paths: False)
    recovery.recover(worker.drivers)
    assert started == [other.id, server.id]
    volume.refresh_from_db()
    assert (volume.backend, where(worker, volume)) == ("ssd", ["ssd"])
