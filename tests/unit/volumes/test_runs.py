"""The pipelines of volumes and snapshots on a simulated host: rows, files, capacity and quota, and each failure."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.common.context import RequestContext
from apps.images.models import Image
from apps.quotas.selectors import usages
from apps.scheduling.models import Allocation, Host, Inventory
from apps.volumes import exceptions
from apps.volumes.models import Attachment, Message, Snapshot, Volume, VolumeType
from apps.volumes.services import snapshots, volume_images, volumes
from apps.workflow.models import Run
from tests.api.compute import in_process
from tests.api.compute.in_process import HOST, Worker
from workers.drivers.hypervisor import simulated_disks
from workers.drivers.volume.base import VolumeInfo
from workers.engine import revert

pytestmark = pytest.mark.django_db
CONTEXT = RequestContext(user_id="u", project_id="p")


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(revert, "RETRY_DELAY_SECONDS", 0)
    with in_process.worker(tmp_path, monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture(autouse=True)
def host() -> Host:
    host = Host.objects.create(name=HOST, number=1, hypervisor_type="simulated", cpu_info={"arch": "x86_64"})
    Inventory.objects.create(host=host, vcpus=8, ram_mib=8192, disk_gib=100)
    return host


def begin(size: int = 2, **values: Any) -> Volume:
    return volumes.create(context=CONTEXT, volume=Volume(project_id="p", user_id="u", name="v", size=size, **values))


def made(worker: Worker, size: int = 2, **values: Any) -> Volume:
    volume = begin(size, **values)
    assert worker.work()[-1] == "succeeded"
    volume.refresh_from_db()
    return volume


def snapshot_of(volume: Volume, worker: Worker) -> Snapshot:
    snapshot = snapshots.create(context=CONTEXT, volume=volume, values={"name": "s"})
    assert worker.work()[-1] == "succeeded"
    snapshot.refresh_from_db()
    return snapshot


def state(row: Volume | Snapshot) -> str:
    row.refresh_from_db()
    return row.status


def infos(worker: Worker) -> dict[str, VolumeInfo]:
    return {info.id: info for info in worker.drivers.volume.list_volumes()}


def claimed(row: Volume) -> list[int]:
    return list(Allocation.objects.filter(consumer_id=row.id).values_list("disk_gib", flat=True))


def used_disk() -> tuple[int, int]:
    inventory = Inventory.objects.get()
    return inventory.disk_used, inventory.servers


def usage(name: str) -> tuple[int, int]:
    return usages.of_owner(owner_id="p").get(name, (0, 0))


def test_create_and_delete(worker: Worker) -> None:
    volume = made(worker)
    assert (volume.status, volume.host, volume.availability_zone) == ("available", HOST, "nova")
    assert volume.launched_at is not None
    assert infos(worker)[str(volume.id)] == VolumeInfo(str(volume.id), 2, "qcow2")
    assert (claimed(volume), used_disk()) == ([2], (2, 0))
    assert usage("gigabytes") == (2, 0)
    assert "candidates" in Run.objects.get().explanation
    volumes.delete(context=CONTEXT, volume=volume)
    assert worker.work() == ["succeeded"] * 2
    assert state(volume) == "deleted"
    assert (infos(worker), claimed(volume), used_disk(), usage("gigabytes")) == ({}, [], (0, 0), (0, 0))


def test_no_room(worker: Worker) -> None:
    volume = begin(101)
    assert worker.work() == ["failed"]
    assert state(volume) == "error"
    assert volume.error == "No host has room for the volume."
    assert (infos(worker), claimed(volume), volume.host) == ({}, [], "")
    volumes.delete(context=CONTEXT, volume=volume)
    assert worker.work() == ["failed", "succeeded"]
    assert usage("gigabytes") == (0, 0)


@pytest.mark.parametrize("when", ["before", "inside", "after"])
def test_a_creation_that_fails(worker: Worker, when: str) -> None:
    worker.plan({"op": "create_volume", "error": "abort", "when": when, "message": "The pool is broken."})
    volume = begin()
    assert worker.work() == ["failed"]
    assert (state(volume), volume.error, volume.host) == ("error", "The pool is broken.", "")
    assert (infos(worker), claimed(volume), used_disk()) == ({}, [], (0, 0))


def test_a_host_that_fails_is_left(worker: Worker) -> None:
    worker.plan({"op": "create_volume", "error": "retryable", "message": "The pool is broken."})
    volume = begin()
    assert worker.work() == ["failed"]
    assert state(volume) == "error"
    assert "No host has room" in volume.error
    assert claimed(volume) == []


def test_from_an_image(worker: Worker) -> None:
    image = Image.objects.create(
        name="i", project_id="x", visibility="public", status="active", disk_format="qcow2", container_format="bare",
        size=10, virtual_size=1 << 30, os_hash_algo="sha512", os_hash_value="0" * 128,
    )  # fmt: skip
    volume = made(worker, source_image_id=image.id, image_metadata={"image_id": str(image.id)})
    assert (volume.status, volume.bootable) == ("available", True)
    assert worker.drivers.storage.has_image("0" * 128)
    key = image.id
    image.delete()
    lost = begin(source_image_id=key)
    assert worker.work()[-1] == "failed"
    assert state(lost) == "error"
    assert str(key) in lost.error


def test_from_a_snapshot_and_a_volume(worker: Worker) -> None:
    volume = made(worker, 1)
    snapshot = snapshot_of(volume, worker)
    assert (snapshot.status, infos(worker)[str(volume.id)].snapshots) == ("available", (str(snapshot.id),))
    for values in ({"source_snapshot_id": snapshot.id}, {"source_volume_id": volume.id}):
        copy = made(worker, 3, **values)
        assert (copy.status, copy.host, infos(worker)[str(copy.id)].size_gib) == ("available", HOST, 3)
    snapshots.delete(context=CONTEXT, snapshot=snapshot)
    assert worker.work()[-1] == "succeeded"
    assert (state(snapshot), infos(worker)[str(volume.id)].snapshots) == ("deleted", ())
    assert usage("snapshots") == (0, 0)


def test_a_snapshot_that_fails(worker: Worker) -> None:
    volume = made(worker)
    worker.plan({"op": "create_snapshot", "error": "abort", "when": "after", "message": "No."})
    snapshot = snapshots.create(context=CONTEXT, volume=volume, values={"name": "s"})
    assert worker.work()[-1] == "failed"
    assert (state(snapshot), snapshot.error) == ("error", "No.")
    assert infos(worker)[str(volume.id)].snapshots == ()
    worker.plan({"op": "delete_snapshot", "error": "abort", "message": "Not now."})
    snapshots.delete(context=CONTEXT, snapshot=snapshot)
    assert worker.work()[-1] == "failed"
    assert (state(snapshot), snapshot.error) == ("error_deleting", "Not now.")
    worker.plan()
    snapshots.delete(context=CONTEXT, snapshot=snapshot)
    assert worker.work()[-1] == "succeeded"
    assert usage("snapshots") == (0, 0)


def test_a_deletion_that_fails(worker: Worker) -> None:
    volume = made(worker)
    worker.plan({"op": "delete_volume", "error": "abort", "message": "Not now."})
    volumes.delete(context=CONTEXT, volume=volume)
    assert worker.work()[-1] == "failed"
    assert (state(volume), volume.error, claimed(volume)) == ("error_deleting", "Not now.", [2])
    worker.plan()
    volumes.delete(context=CONTEXT, volume=volume)
    assert worker.work()[-1] == "succeeded"
    assert (state(volume), claimed(volume)) == ("deleted", [])


def test_delete_with_snapshots(worker: Worker) -> None:
    volume = made(worker)
    snapshot = snapshot_of(volume, worker)
    volumes.delete(context=CONTEXT, volume=volume, cascade=True)
    assert worker.work()[-1] == "succeeded"
    assert (state(volume), state(snapshot), infos(worker)) == ("deleted", "deleted", {})
    assert usage("gigabytes") == usage("snapshots") == usage("volumes") == (0, 0)


def test_a_deletion_takes_a_creation_over(worker: Worker) -> None:
    volume = begin()
    worker.step(Run.objects.get())  # it has a host now
    volumes.delete(context=CONTEXT, volume=volume, force=True)
    assert worker.work() == ["cancelled", "succeeded"]
    assert (state(volume), infos(worker), claimed(volume)) == ("deleted", {}, [])


def test_extend(worker: Worker) -> None:
    volume = made(worker)
    volumes.extend(context=CONTEXT, volume=volume, new_size=5)
    assert worker.work()[-1] == "succeeded"
    assert (state(volume), volume.size, infos(worker)[str(volume.id)].size_gib) == ("available", 5, 5)
    assert (claimed(volume), used_disk(), usage("gigabytes")) == ([5], (5, 0), (5, 0))


@pytest.mark.parametrize(("size", "message"), [(200, "The volume's pool has no room for 198 GiB more."), (5, "No.")])
def test_an_extension_that_fails(worker: Worker, size: int, message: str) -> None:
    volume = made(worker)
    worker.plan({"op": "extend_volume", "error": "abort", "message": "No."})
    volumes.extend(context=CONTEXT, volume=volume, new_size=size)
    assert worker.work()[-1] == "failed"
    assert (state(volume), volume.size, volume.error) == ("available", 2, message)
    assert (claimed(volume), used_disk(), usage("gigabytes")) == ([2], (2, 0), (2, 0))


def test_an_extension_that_fails_after_it_was_done(worker: Worker) -> None:
    volume = made(worker)
    worker.plan({"op": "extend_volume", "error": "abort", "when": "after", "message": "No."})
    volumes.extend(context=CONTEXT, volume=volume, new_size=5)
    assert worker.work()[-1] == "failed"
    assert (state(volume), volume.size, claimed(volume)) == ("error_extending", 2, [5])


def test_extend_under_a_guest(worker: Worker) -> None:
    """One that was paused because the export was closed for a moment runs on."""
    from tests.unit.drivers import samples

    volume, server_id = made(worker), uuid.uuid4()
    worker.drivers.hypervisor.spawn(samples.server(id=str(server_id)))
    simulated_disks.fail_disk(worker.directory.parent, HOST, str(server_id))
    Attachment.objects.create(
        volume=volume, server_id=server_id, host=HOST, status="attached", by_compute=True, device="/dev/vdb"
    )
    Volume.objects.filter(id=volume.id).update(status="in-use")
    volume.refresh_from_db()
    volumes.extend(context=CONTEXT, volume=volume, new_size=5, attached_too=True)
    assert worker.work()[-1] == "succeeded"
    assert (state(volume), volume.size) == ("in-use", 5)
    info = worker.drivers.hypervisor.info(str(server_id))
    assert info is not None
    assert info.power_state == "running"


def test_revert(worker: Worker) -> None:
    volume = made(worker)
    snapshot = snapshot_of(volume, worker)
    volumes.revert(context=CONTEXT, volume=volume, snapshot_id=snapshot.id)
    assert (state(volume), state(snapshot)) == ("reverting", "restoring")
    assert worker.work()[-1] == "succeeded"
    assert (state(volume), state(snapshot)) == ("available", "available")
    worker.plan({"op": "revert_volume", "error": "abort", "message": "No."})
    volumes.revert(context=CONTEXT, volume=volume, snapshot_id=snapshot.id)
    assert worker.work()[-1] == "failed"
    assert (state(volume), state(snapshot), volume.error) == ("available", "available", "No.")
    assert Message.objects.get().text == "No."
    newer = snapshot_of(volume, worker)
    for key, kind in ((snapshot.id, exceptions.InvalidInput), (uuid.uuid4(), exceptions.SnapshotNotFound)):
        with pytest.raises(kind):
            volumes.revert(context=CONTEXT, volume=volume, snapshot_id=key)
    volumes.extend(context=CONTEXT, volume=volume, new_size=5)
    worker.work()
    with pytest.raises(exceptions.InvalidInput):
        volumes.revert(context=CONTEXT, volume=volume, snapshot_id=newer.id)


@pytest.mark.parametrize("disk_format", ["raw", "qcow2"])
def test_upload(worker: Worker, disk_format: str, settings: Any, tmp_path: Path) -> None:
    settings.IMAGE_DIR = tmp_path / "images"
    settings.IMAGE_DIR.mkdir()
    volume = made(worker, 1)
    values = {"image_name": "i", "disk_format": disk_format}
    image = volume_images.upload(context=CONTEXT, volume=volume, values=values)
    assert (state(volume), image.status) == ("uploading", "queued")
    assert worker.work()[-1] == "succeeded"
    image.refresh_from_db()
    assert (state(volume), image.status, image.disk_format, image.min_disk) == ("available", "active", disk_format, 1)
    assert set(infos(worker)) == {str(volume.id)}
    worker.plan({"op": "read_volume", "error": "abort", "when": "after", "message": "No."})
    lost = volume_images.upload(context=CONTEXT, volume=volume, values=values)
    assert worker.work()[-1] == "failed"
    lost.refresh_from_db()
    assert (state(volume), lost.status, volume.error) == ("available", "deleted", "No.")
    assert set(infos(worker)) == {str(volume.id)}
    with pytest.raises(exceptions.InvalidInput):
        volume_images.upload(context=CONTEXT, volume=volume, values={**values, "disk_format": "vmdk"})


def test_a_type_that_no_back_end_meets(worker: Worker) -> None:
    kind = VolumeType.objects.create(name="t", extra_specs={"vendor_name": "nobody"})
    volume = begin(volume_type=kind)
    assert worker.work() == ["failed"]
    assert (state(volume), volume.error) == (
        "error", "No valid back end was found for the volume's type: none has vendor_name nobody.",
    )  # fmt: skip
    assert (Message.objects.get().resource_id, claimed(volume)) == (volume.id, [])
