"""Volumes move to other back ends: by operators, or because their new type asks for it."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.quotas.models import Reservation
from apps.quotas.services import verification
from apps.scheduling.models import Allocation
from apps.scheduling.services import agents
from apps.volumes import exceptions
from apps.volumes.models import (
    Attachment,
    DisabledBackend,
    EncryptionType,
    Snapshot,
    Volume,
    VolumeKey,
    VolumeType,
)
from apps.volumes.selectors import backends
from apps.volumes.services import bootstrap, volume_migrations, volume_retype, volumes
from apps.workflow.models import Finding
from apps.workflow.services.findings import FindingReport
from tests.api.compute.in_process import HOST, Worker
from tests.unit.volumes.test_backends import CONTEXT, begin, worker
from workers.consistency import check
from workers.host import http
from workers.host.reconcilers import volumes as reconciler
from workers.host.reconcilers.base import take_snapshot
from workers.mapping import volumes as mapping
from workers.periodic.reconcilers import quotas as quotas_reconciler
from workers.periodic.reconcilers import volumes as rows_reconciler

__all__ = ["worker"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def agent(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's agent answers in this process. It may take seconds, and nobody's locks are held meanwhile."""
    outside = len(connection.savepoint_ids)

    def answer(*, host: str, parts: tuple[str, ...], method: str, limit: int) -> tuple[int, bytes]:
        assert len(connection.savepoint_ids) == outside
        return 200, http.DUTIES[parts[2]](request.getfixturevalue("worker").drivers, parts[1])

    monkeypatch.setattr(agents, "request", answer)


def where(worker: Worker, volume: Volume) -> list[str]:
    """Return the back ends that have the volume."""
    pools = worker.drivers.volume.backends()
    return [name for name, driver in pools.items() if driver.has(str(volume.id))]


def made(worker: Worker, **values: Any) -> Volume:
    volume = begin("local", **values)
    assert worker.work() == ["succeeded"]
    volume.refresh_from_db()
    return volume


def is_settled(worker: Worker) -> bool:
    """Nothing is left of a run: no claim, no attachment, no finding."""
    left = [item for item in (*check.of_rows(), *check.of_host(worker.drivers)) if item.kind != "quota"]
    return not left and Allocation.objects.count() == 1 and not Attachment.objects.exists()


def test_migrate(worker: Worker) -> None:
    volume = made(worker)
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd#ssd")
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status) == ("maintenance", "starting")
    for refused in (volumes.delete, volumes.extend):
        with pytest.raises(exceptions.InvalidVolume):
            refused(
                context=CONTEXT, volume=volume, **({"force": True} if refused is volumes.delete else {"new_size": 3})
            )
    with pytest.raises(exceptions.InvalidVolume):
        volumes.reset_status(volume=volume, values={"status": "error"})
    assert worker.work()[-1] == "succeeded"
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status, volume.backend, volume.target_host) == (
        "available", "success", "ssd", "",
    )  # fmt: skip
    assert where(worker, volume) == ["ssd"] and is_settled(worker)
    assert Allocation.objects.get().disk_gib == 0
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@local")
    assert worker.work()[-1] == "succeeded"
    assert where(worker, volume) == ["local"] and Allocation.objects.get().disk_gib == 2


@pytest.mark.parametrize("operation", ["create_volume", "open_export", "close_export"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failure_leaves_it_where_it_is(worker: Worker, operation: str, when: str) -> None:
    volume = made(worker)
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    worker.plan({"op": operation, "when": when, "times": 1, "error": "abort", "message": "No."})
    assert worker.work()[-1] == "failed"
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status, volume.backend) == ("available", "error", "local")
    assert where(worker, volume) == ["local"] and is_settled(worker)


@pytest.mark.parametrize(
    ("host", "values"),
    [
        ("nowhere@ssd", {}), (f"{HOST}@none", {}), (HOST, {}), ("", {}), (f"{HOST}@local", {}),
        (f"{HOST}@ssd", {"status": "in-use"}), (f"{HOST}@ssd", {"status": "error"}),
    ],
)  # fmt: skip
def test_refusals(worker: Worker, host: str, values: dict[str, str]) -> None:
    volume = made(worker)
    Volume.objects.filter(id=volume.id).update(**values)
    with pytest.raises((exceptions.InvalidVolume, exceptions.InvalidHost)):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=host)
    volume.refresh_from_db()
    assert volume.migration_status == ""


def test_a_new_type_on_another_back_end(worker: Worker) -> None:
    volume = made(worker, volume_type=None)
    fast = VolumeType.objects.create(name="fast", extra_specs={"volume_backend_name": "ssd"})
    with pytest.raises(exceptions.InvalidInput):
        volume_retype.retype(context=CONTEXT, volume=volume, volume_type=fast)
    volume_retype.retype(context=CONTEXT, volume=volume, volume_type=fast, may_move=True)
    volume.refresh_from_db()
    assert (volume.status, volume.volume_type) == ("retyping", None)
    quotas_reconciler.reconcile(FindingReport())  # what is reserved of the new type stays so until the move is over
    assert Reservation.objects.exists() and not verification.verify() and not Finding.objects.exists()
    assert worker.work()[-1] == "succeeded"
    volume.refresh_from_db()
    assert (volume.status, volume.volume_type, volume.backend) == ("available", fast, "ssd")
    assert is_settled(worker) and not Reservation.objects.exists() and not verification.verify()


def test_a_promise_for_a_volume_that_is_gone_is_given_back(worker: Worker) -> None:
    volume, kind = made(worker), VolumeType.objects.create(name="fast")
    volume_migrations.reserve_type(row=volume, volume_type=kind)
    Volume.objects.filter(id=volume.id).update(deleted_at=timezone.now(), host="")
    verification.repair()
    assert not Reservation.objects.exists() and not verification.verify()


def look(worker: Worker) -> None:
    reconciler.reconcile(take_snapshot(worker.drivers, FindingReport(host=HOST), restarted=False))


def test_what_a_lost_source_has_is_removed(worker: Worker, settings: Any) -> None:
    """The source was out of reach when its part was to be removed."""
    volume = made(worker)
    Volume.objects.filter(id=volume.id).update(backend="ssd")
    worker.drivers.volume.backends()["ssd"].create_volume(mapping.volume_spec(volume, backend="ssd"))
    settings.REMOVE_STRANGERS = False
    look(worker)
    settings.REMOVE_STRANGERS = True
    used = Attachment.objects.create(volume=volume, host=HOST, status="attached")
    look(worker)
    assert where(worker, volume) == ["local", "ssd"]
    used.delete()
    look(worker)
    assert where(worker, volume) == ["ssd"]


@pytest.mark.parametrize("backend", ["ssd", "nfs", "renamed"])
def test_an_only_copy_stays(worker: Worker, backend: str) -> None:
    """The row names another back end, which does not have it: that was renamed, or the database is an older one."""
    volume = made(worker)
    Volume.objects.filter(id=volume.id).update(backend=backend)
    look(worker)
    assert where(worker, volume) == ["local"]
    assert "only copy" in Finding.objects.get(subject=str(volume.id), done__contains="only copy").done


def test_an_attached_volume_does_not_move(worker: Worker) -> None:
    """An operator made its status available."""
    volume = made(worker)
    Attachment.objects.create(volume=volume, host=HOST, status="attached")
    with pytest.raises(exceptions.InvalidVolume, match="attached"):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")


def test_unmanaged_snapshots_are_not_lost(worker: Worker) -> None:
    volume = made(worker)
    driver, key = worker.drivers.volume, "0b2bb6c4-64f7-4d64-9fde-cf560266829b"
    driver.create_snapshot(str(volume.id), key)
    driver.rename_snapshot(str(volume.id), key, f"unmanaged-{key}")
    with pytest.raises(exceptions.InvalidVolume, match="not managed"):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")


def test_a_snapshot_that_comes_and_goes_while_the_agent_answers(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been released since: the volume stays."""
    volume, answers = made(worker), agents.request
    values = {"volume": volume, "project_id": "p", "user_id": "u", "size": 2, "deleted_at": timezone.now()}

    def answer(**question: Any) -> tuple[int, bytes]:
        Snapshot.objects.create(**values)
        return answers(**question)

    monkeypatch.setattr(agents, "request", answer)
    with pytest.raises(exceptions.InvalidVolume, match="try again"):
        volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status) == ("available", "")


def test_a_volume_of_a_backup_moves_where_none_is_restored(worker: Worker) -> None:
    """The backup was read long ago, and its row may be gone; new volumes of backups do not go there."""
    volume = made(worker)
    Volume.objects.filter(id=volume.id).update(source_backup_id=uuid.uuid4())
    DisabledBackend.objects.create(host=HOST, backend=backends.BACKUPS)
    volume_migrations.migrate(context=CONTEXT, volume=volume, host=f"{HOST}@ssd")
    assert worker.work()[-1] == "succeeded" and where(worker, volume) == ["ssd"]


@pytest.mark.parametrize("status", ["maintenance", "retyping"])
def test_a_move_without_a_run_is_ended(worker: Worker, status: str) -> None:
    volume = made(worker)
    values = {"migration_status": "migrating", "target_host": HOST, "target_backend": "ssd"}
    Volume.objects.filter(id=volume.id).update(status=status, target_claim=uuid.uuid4(), **values)
    rows_reconciler.reconcile(FindingReport())
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status, volume.target_host) == ("available", "error", "")


SHARED = {"multiattach": "<is> True"}


def test_a_type_that_several_servers_may_have(worker: Worker) -> None:
    """Its data becomes raw where it is."""
    volume = made(worker)
    shared = VolumeType.objects.create(name="shared", extra_specs=SHARED)
    volume_retype.retype(context=CONTEXT, volume=volume, volume_type=shared)
    assert worker.work()[-1] == "succeeded"
    volume.refresh_from_db()
    assert (volume.status, volume.format, volume.multiattach, volume.backend) == ("available", "raw", True, "local")
    assert [info.format for info in worker.drivers.volume.list_volumes()] == ["raw"] and is_settled(worker)


@pytest.mark.parametrize(("when", "form"), [("before", "qcow2"), ("inside", "qcow2"), ("after", "raw")])
def test_a_format_is_what_it_is(worker: Worker, when: str, form: str) -> None:
    """A run that fails leaves the type, and tells the format that the data has."""
    volume = made(worker)
    shared = VolumeType.objects.create(name="shared", extra_specs=SHARED)
    volume_retype.retype(context=CONTEXT, volume=volume, volume_type=shared, may_move=True)
    worker.plan({"op": "convert_volume", "when": when, "times": 1, "error": "abort", "message": "No."})
    assert worker.work()[-1] == "failed"
    volume.refresh_from_db()
    assert (volume.status, volume.format, volume.multiattach) == ("available", form, False) and is_settled(worker)


def test_a_type_that_encrypts_in_another_way(worker: Worker, settings: Any, tmp_path: Any) -> None:
    """A failure leaves the volume and its key as they were."""
    settings.VOLUME_KEY_DIR = tmp_path / "volume-keys"
    bootstrap.ensure_keys()
    volume = made(worker)
    kinds = {
        name: VolumeType.objects.create(name=name, extra_specs={"volume_backend_name": backend})
        for name, backend in (("first", "ssd"), ("second", "local"), ("plain", "ssd"))
    }
    EncryptionType.objects.create(volume_type=kinds["first"], provider="luks", key_size=256)
    EncryptionType.objects.create(volume_type=kinds["second"], provider="luks", key_size=512)
    worker.plan({"op": "create_volume", "error": "abort", "message": "No."})
    keys: list[int] = []
    for name, outcome in (("first", "failed"), ("first", "succeeded"), ("second", "succeeded"), ("plain", "succeeded")):
        if outcome == "succeeded":
            worker.plan()
        volume_retype.retype(context=CONTEXT, volume=volume, volume_type=kinds[name], may_move=True)
        assert worker.work()[-1] == outcome
        volume.refresh_from_db()
        keys = list(VolumeKey.objects.values_list("key_size", flat=True))
        assert is_settled(worker) and volume.status == "available"
        expected = {"first": [256], "second": [512], "plain": []}[name] if outcome == "succeeded" else []
        assert (volume.encrypted, keys) == (bool(expected), expected)
