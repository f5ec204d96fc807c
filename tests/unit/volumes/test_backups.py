"""The pipelines of backups on a simulated host: rows, clones, the store and quota, and each failure."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import connection

from apps.common.context import RequestContext
from apps.quotas.selectors import usages
from apps.quotas.services import verification
from apps.scheduling.models import Host, Inventory
from apps.volumes.models import Backup, Volume
from apps.volumes.services import backup_records, backups, snapshots, volumes
from apps.workflow.models import Finding, Run
from apps.workflow.services.findings import FindingReport
from tests.api.compute import in_process
from tests.api.compute.in_process import HOST, Worker
from workers.consistency import check
from workers.drivers.backup.errors import StoreUnavailable
from workers.drivers.volume.base import ExportSpec, VolumeSpec
from workers.engine import revert
from workers.host.reconcilers import backups as of_store
from workers.host.reconcilers import base
from workers.host.reconcilers import volumes as of_host
from workers.periodic.reconcilers import volumes as of_rows

pytestmark = pytest.mark.django_db
CONTEXT = RequestContext(user_id="u", project_id="p")


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    host = Host.objects.create(name=HOST, number=1, hypervisor_type="simulated", cpu_info={"arch": "x86_64"})
    Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100)
    monkeypatch.setattr(revert, "RETRY_DELAY_SECONDS", 0)
    with in_process.worker(tmp_path, monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def volume(worker: Worker) -> Volume:
    volume = volumes.create(context=CONTEXT, volume=Volume(project_id="p", user_id="u", name="v", size=2))
    assert worker.work()[-1] == "succeeded"
    volume.refresh_from_db()
    return volume


def begin(volume: Volume, **values: Any) -> Backup:
    return backups.create(context=CONTEXT, volume=volume, values={"name": "b"}, **values)


def made(worker: Worker, volume: Volume, **values: Any) -> Backup:
    backup = begin(volume, **values)
    assert worker.work()[-1] == "succeeded"
    backup.refresh_from_db()
    return backup


def state(*rows: Any) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [row.status for row in rows]


def there(worker: Worker) -> set[str]:
    return {info.id for info in worker.drivers.volume.list_volumes()}


def usage() -> tuple[Any, Any]:
    owned = usages.of_owner(owner_id="p")
    return owned.get("backups"), owned.get("backup_gigabytes")


def test_life(worker: Worker, volume: Volume) -> None:
    backup = begin(volume)
    assert state(backup, volume) == ["creating", "backing-up"]
    assert worker.work()[-1] == "succeeded"
    assert state(backup, volume) == ["available", "available"]
    assert (there(worker), worker.drivers.backup.list_backups()) == ({str(volume.id)}, (str(backup.id),))
    child = made(worker, volume, incremental=True)
    assert child.parent_id == backup.id
    assert usage() == ((2, 0), (4, 0))
    backups.restore(context=CONTEXT, backup=backup, volume=volume)
    assert state(backup, volume) == ["restoring", "restoring-backup"]
    assert worker.work()[-1] == "succeeded"
    assert state(backup, volume) == ["available", "available"]
    copy = Volume(project_id="p", user_id="u", name="copy", size=3, source_backup_id=child.id)
    volumes.create(context=CONTEXT, volume=copy)
    assert state(child) == ["restoring"]
    assert worker.work()[-1] == "succeeded"
    assert state(child, copy) == ["available", "available"]
    for row in (child, backup):
        backups.delete(context=CONTEXT, backup=row)
        assert worker.work()[-1] == "succeeded"
    assert (state(child, backup), usage()) == (["deleted"] * 2, ((0, 0), (0, 0)))
    assert worker.drivers.backup.list_backups() == ()
    assert not verification.verify()
    assert [item for item in check.of_host(worker.drivers) if item.kind in ("volume", "export")] == []


def test_of_a_snapshot(worker: Worker, volume: Volume) -> None:
    snapshot = snapshots.create(context=CONTEXT, volume=volume, values={"name": "s"})
    worker.work()
    backup = begin(volume, snapshot=snapshot)
    assert state(snapshot, volume) == ["backing-up", "available"]
    assert worker.work()[-1] == "succeeded"
    assert state(backup, snapshot, volume) == ["available"] * 3


@pytest.mark.parametrize("op", ["create_volume", "open_export", "create_backup"])
def test_a_backup_that_fails(worker: Worker, volume: Volume, op: str) -> None:
    worker.plan({"op": op, "error": "abort", "when": "after", "message": "No."})
    backup = begin(volume)
    assert worker.work()[-1] == "failed"
    assert (state(backup, volume), backup.error) == (["error", "available"], "No.")
    assert (there(worker), worker.drivers.backup.list_backups()) == ({str(volume.id)}, ())
    assert usage() == ((1, 0), (2, 0))
    worker.plan()
    backups.delete(context=CONTEXT, backup=backup)
    assert worker.work()[-1] == "succeeded"
    assert usage() == ((0, 0), (0, 0))


def test_a_restoration_that_fails(worker: Worker, volume: Volume) -> None:
    backup = made(worker, volume)
    worker.plan({"op": "restore_backup", "error": "abort", "when": "inside", "message": "No."})
    backups.restore(context=CONTEXT, backup=backup, volume=volume)
    assert worker.work()[-1] == "failed"
    assert (state(backup, volume), volume.error) == (["available", "error_restoring"], "No.")
    assert worker.drivers.volume.list_exports() == ()
    copy = Volume(project_id="p", user_id="u", name="copy", size=2, source_backup_id=backup.id)
    volumes.create(context=CONTEXT, volume=copy)
    assert worker.work()[-1] == "failed"
    assert (state(backup, copy), there(worker)) == (["available", "error"], {str(volume.id)})
    worker.plan()
    backups.restore(context=CONTEXT, backup=backup, volume=volume)
    assert worker.work()[-1] == "succeeded"
    assert state(backup, volume) == ["available", "available"]


def test_what_is_deleted_under_a_run(worker: Worker, volume: Volume) -> None:
    """The other subject is free again, and recovery removes the clone."""
    backup = begin(volume)
    worker.drivers.volume.create_volume(VolumeSpec(str(backup.id), 2))
    worker.drivers.volume.open_export(str(backup.id), ExportSpec("left", readonly=True))
    report = FindingReport(HOST)
    of_host.reconcile(base.take_snapshot(worker.drivers, report, restarted=False))
    assert str(backup.id) in there(worker) and not report.counts  # its run is open
    backups.delete(context=CONTEXT, backup=backup, force=True)
    assert state(volume) == ["available"]
    Run.objects.filter(subject_id=backup.id).update(state="failed")
    of_host.reconcile(base.take_snapshot(worker.drivers, report, restarted=False))
    assert there(worker) == {str(volume.id)}
    assert worker.drivers.volume.list_exports() == ()


def test_rows_without_a_run(worker: Worker, volume: Volume) -> None:
    backup = begin(volume)
    Run.objects.all().update(state="failed")
    report = FindingReport("")
    of_rows.reconcile(report)
    assert state(backup, volume) == ["error", "available"]
    Backup.objects.filter(id=backup.id).update(status="restoring", restoring_id=volume.id)
    Volume.objects.filter(id=volume.id).update(status="restoring-backup")
    of_rows.reconcile(report)
    assert state(backup, volume) == ["available", "error_restoring"]
    Backup.objects.filter(id=backup.id).update(status="deleting")
    of_rows.reconcile(report)
    assert state(backup) == ["error_deleting"]


def test_the_store_and_the_rows(worker: Worker, volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    backup, strange = made(worker, volume), str(uuid.uuid4())
    store = worker.drivers.backup
    record = backup_records.export(backup=backup)
    report = FindingReport(HOST)
    of_store.reconcile(base.take_snapshot(worker.drivers, report, restarted=False))
    assert not report.counts
    Backup.objects.filter(id=backup.id).update(status="deleted", deleted_at=backup.created_at)
    made_again = backup_records.import_record(
        context=CONTEXT, service=record["backup_service"], url=record["backup_url"]
    )
    assert (made_again.id, state(made_again)) == (backup.id, ["available"])
    Backup.objects.filter(id=backup.id).update(status="deleted", deleted_at=backup.created_at)
    (worker.directory.parent / "backup-store" / "backups" / f"{strange}.json").write_text("{}")
    of_store.reconcile(base.take_snapshot(worker.drivers, report, restarted=False))
    assert store.list_backups() == (strange,)
    assert report.counts == {"backup": 2}
    monkeypatch.setattr(store, "list_backups", Mock(side_effect=StoreUnavailable("The store is silent.")))
    with pytest.raises(StoreUnavailable):
        of_store.reconcile(base.take_snapshot(worker.drivers, report, restarted=False))
    assert "The store is silent" in Finding.objects.get(subject=HOST).found
