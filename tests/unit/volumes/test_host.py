"""A host's volumes and the rows: what its agent repairs, and guests that lost an export."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.compute.models import Server
from apps.scheduling.models import Allocation, Host, Inventory
from apps.volumes.models import Attachment, Snapshot, Volume
from apps.workflow.models import Finding
from apps.workflow.services.findings import FindingReport
from tests.api.compute import in_process
from tests.api.compute.in_process import HOST, Worker
from tests.unit.drivers import samples
from workers.consistency import check
from workers.drivers.hypervisor import simulated_disks
from workers.drivers.volume import simulated as simulated_volumes
from workers.drivers.volume.base import ExportSpec, VolumeSpec
from workers.host import drivers as host_drivers
from workers.host import events, shutdown
from workers.host.reconcilers import base, volumes
from workers.host.reconcilers import exports as export_reconciler
from workers.mapping import volumes as mapping
from workers.periodic.reconcilers import allocations, quotas
from workers.periodic.reconcilers import volumes as of_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    host = Host.objects.create(name=HOST, number=1, hypervisor_type="simulated", cpu_info={"arch": "x86_64"})
    Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100)
    with in_process.worker(tmp_path, monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def volume(worker: Worker, status: str = "available", **values: Any) -> Volume:
    row = Volume.objects.create(
        project_id="p", user_id="u", size=2, status=status, **{"host": HOST, "availability_zone": "nova", **values}
    )
    worker.drivers.volume.create_volume(VolumeSpec(str(row.id), 2))
    return row


def attached(worker: Worker) -> Attachment:
    """A running guest with a volume."""
    row = volume(worker, "in-use")
    server = Server.objects.create(
        project_id="p", user_id="u", name="s", hostname="s", vm_state="active", power_state=1, host=HOST,
        flavor={"vcpus": 1, "ram": 64, "disk": 1, "ephemeral": 0, "swap": 0}, reservation_id="r-1",
    )  # fmt: skip
    worker.drivers.hypervisor.spawn(samples.server(id=str(server.id)))
    attachment = Attachment.objects.create(
        volume=row, server_id=server.id, host=HOST, status="attached", by_compute=True, device="/dev/vdb", mode="rw"
    )
    mapping.connect(attachment, worker.drivers)
    return attachment


def reconcile(worker: Worker, *, restarted: bool = False) -> dict[str, int]:
    report = FindingReport(HOST)
    snapshot = base.take_snapshot(worker.drivers, report, restarted=restarted)
    export_reconciler.reconcile(snapshot)
    volumes.reconcile(snapshot)
    return report.counts


def there(worker: Worker) -> set[str]:
    return {info.id for info in worker.drivers.volume.list_volumes()}


def exports(worker: Worker) -> set[str]:
    return {export.volume_id for export in worker.drivers.volume.list_exports()}


def kinds(worker: Worker) -> set[str]:
    return {item.kind for item in check.of_host(worker.drivers) if item.kind in ("volume", "export")}


def test_a_healthy_host_has_no_findings(worker: Worker) -> None:
    attachment = attached(worker)
    assert (reconcile(worker), kinds(worker)) == ({}, set())
    assert exports(worker) == {str(attachment.volume_id)}


def test_files_of_a_volume_that_was_deleted(worker: Worker) -> None:
    row = volume(worker)
    Volume.objects.filter(id=row.id).update(host="another")
    assert kinds(worker) == {"volume"}
    assert reconcile(worker) == {"volume": 1}
    assert (there(worker), kinds(worker)) == (set(), set())


def test_a_volume_whose_files_are_lost_is_reported(worker: Worker) -> None:
    row = volume(worker)
    worker.drivers.volume.delete_volume(str(row.id))
    assert reconcile(worker) == {"volume": 1}
    assert kinds(worker) == {"volume"}
    assert Finding.objects.get().resolved_at is None


def test_an_export_without_an_attachment_is_closed(worker: Worker) -> None:
    worker.drivers.volume.open_export(str(volume(worker).id), ExportSpec("stranger"))
    assert kinds(worker) == {"export"}
    assert reconcile(worker) == {"export": 1}
    assert (exports(worker), kinds(worker)) == (set(), set())


def test_a_guest_gives_back_what_no_attachment_has(worker: Worker) -> None:
    """The rows of an attachment went alone while the host was away: its guest must not keep the disk."""
    attachment = attached(worker)
    export = mapping.connect(attachment, worker.drivers)
    worker.drivers.hypervisor.attach_disk(str(attachment.server_id), mapping.disk_spec(attachment, export))
    attachment.delete()
    assert reconcile(worker) == {"export": 1}
    assert worker.drivers.hypervisor.disks_of(str(attachment.server_id)) == ()
    assert exports(worker) == set()


def test_a_snapshot_without_a_row_is_deleted(worker: Worker) -> None:
    row = volume(worker)
    kept = Snapshot.objects.create(volume=row, project_id="p", user_id="u", size=2, status="available")
    for key in (str(kept.id), str(uuid.uuid4())):
        worker.drivers.volume.create_snapshot(str(row.id), key)
    assert reconcile(worker) == {"volume": 1}
    assert worker.drivers.volume.list_volumes()[0].snapshots == (str(kept.id),)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_lost_export_is_opened(worker: Worker, restarted: bool) -> None:
    attachment = attached(worker)
    simulated_volumes.lose_exports(worker.directory.parent, HOST, str(attachment.volume_id))
    assert reconcile(worker, restarted=restarted) == ({} if restarted else {"export": 1})
    assert exports(worker) == {str(attachment.volume_id)}


def test_a_guest_that_lost_its_export_runs_on(worker: Worker) -> None:
    """It was paused before it saw an error: its row never says so."""
    attachment = attached(worker)
    assert attachment.server_id is not None
    simulated_volumes.lose_exports(worker.directory.parent, HOST, str(attachment.volume_id))
    simulated_disks.fail_disk(worker.directory.parent, HOST, str(attachment.server_id))
    events.write_power_state(worker.drivers, attachment.server_id, "paused")
    info = worker.drivers.hypervisor.info(str(attachment.server_id))
    assert info is not None
    assert info.power_state == "running"
    assert exports(worker) == {str(attachment.volume_id)}
    assert Server.objects.get().vm_state == "active"
    assert Finding.objects.get().kind == "export"


def test_an_export_that_does_not_open_leaves_the_guest_paused(worker: Worker) -> None:
    """Its row says so, and recovery opens the export later."""
    attachment = attached(worker)
    assert attachment.server_id is not None
    simulated_volumes.lose_exports(worker.directory.parent, HOST, str(attachment.volume_id))
    simulated_disks.fail_disk(worker.directory.parent, HOST, str(attachment.server_id))
    worker.plan({"op": "open_export", "error": "retryable"})
    events.write_power_state(worker.drivers, attachment.server_id, "paused")
    assert Server.objects.get().vm_state == "paused"
    worker.plan()
    assert reconcile(worker) == {"export": 1}
    info = worker.drivers.hypervisor.info(str(attachment.server_id))
    assert info is not None
    assert info.power_state == "running"


def test_a_guest_whose_disk_is_full_stays_paused(worker: Worker) -> None:
    attachment = attached(worker)
    assert attachment.server_id is not None
    simulated_disks.fail_disk(worker.directory.parent, HOST, str(attachment.server_id))
    events.write_power_state(worker.drivers, attachment.server_id, "paused")
    assert Server.objects.get().vm_state == "paused"


def test_down_closes_exports(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    attached(worker)
    monkeypatch.setattr(host_drivers, "host_names", lambda: [HOST])
    monkeypatch.setattr(host_drivers, "make", lambda _name: worker.drivers)
    assert list(shutdown.run(timeout_s=1)) == [f"{HOST}: 1 servers powered off, 0 ports unplugged, 1 volumes closed"]
    assert exports(worker) == set()


def test_rows_without_runs(worker: Worker) -> None:
    statuses = {"creating": "error", "extending": "available", "deleting": "error_deleting"}
    rows = {status: volume(worker, status) for status in statuses}
    owner = volume(worker)
    for status in ("creating", "deleting"):
        Snapshot.objects.create(volume=owner, project_id="p", user_id="u", size=2, status=status)
    assert len([item for item in check.of_rows() if item.kind in ("volume", "snapshot")]) == 5
    report = FindingReport()
    of_rows.reconcile(report)
    assert report.counts == {"volume": 3, "snapshot": 2}
    for status, after in statuses.items():
        rows[status].refresh_from_db()
        assert rows[status].status == after
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"error", "error_deleting"}
    assert not [item for item in check.of_rows() if item.kind in ("volume", "snapshot")]


def test_allocations_follow_volumes(worker: Worker) -> None:
    row = volume(worker)
    assert [item.what for item in check.of_rows() if item.kind == "allocation"] == [str(row.id)]
    allocations.reconcile(FindingReport())
    claim = Allocation.objects.get()
    assert (claim.consumer_id, claim.disk_gib, claim.vcpus) == (row.id, 2, 0)
    assert (Inventory.objects.get().disk_used, Inventory.objects.get().servers) == (2, 0)
    report = FindingReport()
    allocations.reconcile(report)  # a volume's claim is no orphan
    assert report.counts == {}
    Volume.objects.filter(id=row.id).update(host="")
    allocations.reconcile(FindingReport())
    assert not Allocation.objects.exists()


def test_what_an_extension_reserves_is_left_alone(worker: Worker) -> None:
    from apps.common.context import RequestContext
    from apps.quotas.models import Reservation
    from apps.volumes.services import volumes as services

    row = volume(worker)
    services.extend(context=RequestContext(user_id="u", project_id="p"), volume=row, new_size=3)
    consumers = set(Reservation.objects.values_list("consumer_id", flat=True))
    assert consumers and uuid.UUID(int=0) not in consumers
    quotas.reconcile(FindingReport())
    assert set(Reservation.objects.values_list("consumer_id", flat=True)) == consumers
