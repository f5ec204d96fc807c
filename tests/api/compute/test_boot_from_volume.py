"""Servers with volumes from the start: what is made, what boots, what a delete leaves."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.compute.models import BlockDevice, Flavor, Server
from apps.images.models import Image
from apps.quotas.models import Usage
from apps.scheduling.models import Allocation, Host, Inventory
from apps.volumes.models import Attachment, Snapshot, Volume
from tests.api.compute import in_process
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import HOST, Worker
from workers import config
from workers.drivers.volume.base import VolumeSpec
from workers.engine import revert
from workers.mapping import servers

pytestmark = pytest.mark.django_db
MakeVolume = Callable[..., Volume]


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_host: Callable[..., Host]) -> Iterator[Worker]:
    monkeypatch.setattr(revert, "RETRY_DELAY_SECONDS", 0)
    make_host(HOST, 1)
    with in_process.worker(tmp_path, monkeypatch) as made:
        yield made
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def make_volume(worker: Worker) -> MakeVolume:
    def make(owner: ComputeCaller, **values: Any) -> Volume:
        defaults = {
            "project_id": owner.project_id, "user_id": "u", "size": 1, "status": "available", "host": HOST,
            "bootable": True,
        }  # fmt: skip
        volume = Volume.objects.create(**{**defaults, **values})
        worker.drivers.volume.create_volume(VolumeSpec(str(volume.id), volume.size))
        return volume

    return make


@pytest.fixture
def wanted(flavor: Flavor) -> dict[str, Any]:
    return {"name": "vm", "flavorRef": flavor.flavor_id, "networks": "none"}


def create(caller: ComputeCaller, wanted: dict[str, Any], *mappings: dict[str, Any], **more: Any) -> Any:
    return caller.at("2.79").post("/servers", {"server": {**wanted, "block_device_mapping_v2": mappings, **more}})


def server_of(answer: Any) -> Server:
    assert answer.status_code == 202, answer.content
    return Server.objects.get(id=answer.json()["server"]["id"])


def of_image(image: Image, **more: Any) -> dict[str, Any]:
    return {
        "source_type": "image", "destination_type": "volume", "uuid": str(image.id), "boot_index": 0, "volume_size": 2,
        **more,
    }  # fmt: skip


def of_volume(volume: Volume, **more: Any) -> dict[str, Any]:
    return {"source_type": "volume", "destination_type": "volume", "uuid": str(volume.id), **more}


def blank(**more: Any) -> dict[str, Any]:
    return {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": -1, **more}


def used(owner: ComputeCaller) -> dict[str, tuple[int, int]]:
    rows = Usage.objects.filter(owner_id=owner.project_id, resource__in=("volumes", "gigabytes", "instances"))
    return {row.resource: (row.in_use, row.reserved) for row in rows}


def exports(worker: Worker) -> set[str]:
    return {export.volume_id for export in worker.drivers.volume.list_exports()}


def test_boot_from_an_image_into_a_volume(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, make_volume: MakeVolume, worker: Worker
) -> None:
    Image.objects.filter(id=image.id).update(properties={"os_type": "linux"}, min_ram=128)
    data = make_volume(alice, bootable=False)
    answer = create(
        alice, wanted, of_image(image, delete_on_termination=True, tag="system"), of_volume(data, boot_index=None),
        blank(disk_bus="scsi"),
    )  # fmt: skip
    server = server_of(answer)
    assert (server.image_id, server.has_volumes, server.root_device_name) == (None, True, "/dev/vda")
    assert used(alice) == {"volumes": (0, 2), "gigabytes": (0, 3), "instances": (0, 1)}
    data.refresh_from_db()
    assert data.status == "reserved"

    assert worker.work() == ["succeeded"]
    server.refresh_from_db()
    assert (server.vm_state, server.host, server.image_properties) == ("active", HOST, {"os_type": "linux"})
    devices = list(BlockDevice.objects.order_by("position"))
    assert [(row.kind, row.device, row.boot_index, row.is_attached) for row in devices] == [
        ("volume", "vda", 0, True), ("volume", "vdb", None, True), ("volume", "sda", None, True),
    ]  # fmt: skip
    assert set(Volume.objects.values_list("status", "host")) == {("in-use", HOST)}
    root = Volume.objects.get(id=devices[0].volume_id)
    assert (root.size, root.bootable, root.image_metadata["image_id"]) == (2, True, str(image.id))
    claims = {row.consumer_id: row.disk_gib for row in Allocation.objects.all()}
    assert claims == {server.id: 0, root.id: 2, devices[2].volume_id: 1}  # the flavor's disk is not used
    assert exports(worker) == {str(row.volume_id) for row in devices}
    assert worker.record("domains", server.id)["volumes"] == [str(row.volume_id) for row in devices]
    assert used(alice) == {"volumes": (2, 0), "gigabytes": (3, 0), "instances": (1, 0)}
    document = alice.at("2.79").get(f"/servers/{server.id}").json()["server"]
    assert document["image"] == "" and document["os-extended-volumes:volumes_attached"][0] == {
        "id": str(root.id), "delete_on_termination": True,
    }  # fmt: skip
    assert alice.delete(f"/servers/{server.id}/os-volume_attachments/{root.id}").status_code == 403

    assert alice.post(f"/servers/{server.id}/action", {"reboot": {"type": "HARD"}}).status_code == 202
    worker.work()
    assert alice.delete(f"/servers/{server.id}").status_code == 204
    assert set(worker.work()) == {"succeeded"}
    assert exports(worker) == set() and not Attachment.objects.exists()
    assert set(Volume.objects.filter(deleted_at=None).values_list("status", flat=True)) == {"available"}
    assert Volume.objects.get(id=root.id).deleted_at is not None and Volume.objects.filter(deleted_at=None).count() == 2
    assert {info.id for info in worker.drivers.volume.list_volumes()} == {str(data.id), str(devices[2].volume_id)}
    assert used(alice) == {"volumes": (1, 0), "gigabytes": (1, 0), "instances": (0, 0)}


def test_boot_again_from_the_same_volume(
    alice: ComputeCaller, wanted: dict[str, Any], make_volume: MakeVolume, worker: Worker, make_host: Any
) -> None:
    """A server goes where its volume is, also if other hosts have more room; then it gives the volume back."""
    make_host("roomy", 2)
    volume = make_volume(alice)
    for _ in range(2):
        server = server_of(create(alice, wanted, of_volume(volume, boot_index=0)))
        worker.work()
        server.refresh_from_db()
        volume.refresh_from_db()
        assert (server.vm_state, server.host, volume.status) == ("active", HOST, "in-use")
        alice.delete(f"/servers/{server.id}")
        worker.work()
        volume.refresh_from_db()
        assert volume.status == "available"


def test_a_volume_of_a_host_that_is_full(
    alice: ComputeCaller, wanted: dict[str, Any], make_volume: MakeVolume, worker: Worker, make_host: Any,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The server goes to another host, has its volume over the network, and gives it back."""
    far = in_process.drivers_of("far", tmp_path)
    monkeypatch.setitem(config._hosts, "far", far)
    make_host("far", 2)
    Inventory.objects.filter(host__name="far").update(vcpus=0)
    volume = make_volume(alice, host="far")
    far.volume.create_volume(VolumeSpec(str(volume.id), 1))
    server = server_of(create(alice, wanted, of_volume(volume, boot_index=0)))
    assert worker.work() == ["succeeded"]
    server.refresh_from_db()
    assert (server.vm_state, server.host) == ("active", HOST)
    assert [export.listening.client for export in far.volume.list_exports() if export.listening] == [HOST]
    assert [export.volume_id for export in worker.drivers.volume.list_connections()] == [str(volume.id)]
    alice.delete(f"/servers/{server.id}")
    assert worker.work()[-1] == "succeeded"
    volume.refresh_from_db()
    assert (volume.status, far.volume.list_exports(), worker.drivers.volume.list_connections()) == ("available", (), ())


def test_a_volume_of_a_snapshot(
    alice: ComputeCaller, wanted: dict[str, Any], make_volume: MakeVolume, worker: Worker
) -> None:
    source = make_volume(alice)
    snapshot = Snapshot.objects.create(
        volume=source, project_id=alice.project_id, user_id="u", size=1, status="available"
    )
    worker.drivers.volume.create_snapshot(str(source.id), str(snapshot.id))
    mapping = {"source_type": "snapshot", "uuid": str(snapshot.id), "boot_index": 0, "volume_size": 3}
    server = server_of(create(alice, wanted, mapping))
    worker.work()
    made = Volume.objects.get(id=BlockDevice.objects.get(server=server).volume_id)
    assert (made.status, made.size, made.source_snapshot_id, made.bootable) == ("in-use", 3, snapshot.id, True)


def test_the_older_syntax(
    alice: ComputeCaller, wanted: dict[str, Any], make_volume: MakeVolume, worker: Worker
) -> None:
    root, data = make_volume(alice), make_volume(alice, bootable=False)
    legacy = [
        {"device_name": "/dev/vdb", "volume_id": str(data.id)},
        {"device_name": "vda", "volume_id": str(root.id), "delete_on_termination": "1"},
        {"device_name": "/dev/vdc", "no_device": "yes"},
    ]
    both = {"block_device_mapping": legacy, "block_device_mapping_v2": [of_volume(root, boot_index=0)]}
    answer = alice.post("/servers", {"server": {**wanted, **both, "networks": []}})
    assert answer.status_code == 400 and "different block_device_mapping syntaxes" in str(answer.content)
    answer = alice.post("/servers", {"server": {**wanted, "block_device_mapping": legacy, "networks": []}})
    server = server_of(answer)
    rows = BlockDevice.objects.filter(server=server).order_by("position")
    assert [(row.volume_id, row.boot_index, row.delete_on_termination) for row in rows] == [
        (root.id, 0, True), (data.id, None, False),
    ]  # fmt: skip


def test_a_volume_with_snapshots_outlives_its_server(
    alice: ComputeCaller, wanted: dict[str, Any], make_volume: MakeVolume, worker: Worker
) -> None:
    volume = make_volume(alice)
    Snapshot.objects.create(volume=volume, project_id=alice.project_id, user_id="u", size=1, status="available")
    server = server_of(create(alice, wanted, of_volume(volume, boot_index=0, delete_on_termination=True)))
    worker.work()
    alice.delete(f"/servers/{server.id}")
    assert set(worker.work()) == {"succeeded"}
    volume.refresh_from_db()
    assert (volume.status, volume.deleted_at) == ("available", None)


def test_volumes_that_go_with_their_server_although_they_grow(
    alice: ComputeCaller, wanted: dict[str, Any], make_volume: MakeVolume, worker: Worker
) -> None:
    root, data = make_volume(alice), make_volume(alice)
    goes = {"delete_on_termination": True}
    server = server_of(create(alice, wanted, of_volume(root, boot_index=0, **goes), of_volume(data, **goes)))
    worker.work()
    Volume.objects.filter(id=data.id).update(status="extending")
    alice.delete(f"/servers/{server.id}")
    assert set(worker.work()) == {"succeeded"}
    assert not Volume.objects.filter(deleted_at=None).exists() and worker.drivers.volume.list_volumes() == ()


def test_an_installers_disc(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker, make_volume: MakeVolume
) -> None:
    """The guest boots from it where its root volume is blank yet; an image of the server names it so."""
    Image.objects.filter(id=image.id).update(disk_format="iso")
    disc, root = of_image(image, boot_index=1, device_type="cdrom"), blank(boot_index=0, volume_size=2)
    for wrong in ({"disk_bus": "virtio"}, {"device_type": "lun"}):
        assert create(alice, wanted, root, {**disc, **wrong}).status_code == 400
    server = server_of(create(alice, wanted, root, disc))
    assert worker.work()[-1] == "succeeded"
    disks = servers.prepare(server, worker.drivers).disks
    assert [(one.target, one.device, one.boot_index, one.readonly, one.bus) for one in disks[:2]] == [
        ("vda", "disk", 1, False, "virtio"), ("sda", "cdrom", 2, True, "sata"),
    ]  # fmt: skip
    answer = alice.at("2.45").post(f"/servers/{server.id}/action", {"createImage": {"name": "i"}})
    mapping = json.loads(Image.objects.get(id=answer.json()["image_id"]).properties["block_device_mapping"])
    assert [row["device_type"] for row in mapping] == ["disk", "cdrom"]
