"""Actions of servers that boot from a volume: images of snapshots, rebuild, rescue."""

import json
from typing import Any

import pytest

from apps.common.exceptions import BadRequest
from apps.compute.models import BlockDevice, Server
from apps.compute.services import agents
from apps.images.models import Image
from apps.quotas.models import Limit
from apps.volumes.models import Attachment, Snapshot, Volume
from apps.volumes.services import volume_requests
from apps.workflow.models import Run
from tests.api.compute import test_boot_from_volume
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import Worker
from tests.api.compute.test_boot_from_volume import MakeVolume, blank, create, of_image, of_volume, server_of, used
from workers.drivers.volume.base import Export, FromImage
from workers.mapping import volumes

pytestmark = pytest.mark.django_db
make_volume, wanted, worker = (getattr(test_boot_from_volume, name) for name in ("make_volume", "wanted", "worker"))


@pytest.fixture
def server(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, make_volume: MakeVolume, worker: Worker
) -> Server:
    """A running one, with a volume that was there before beside its root volume."""
    Image.objects.filter(id=image.id).update(properties={"os_type": "linux"})
    data = make_volume(alice, bootable=False)
    made = server_of(create(alice, wanted, of_image(image, delete_on_termination=True), of_volume(data, tag="data")))
    worker.work()
    return made


def act(who: ComputeCaller, server: Server, version: str, action: str, body: Any) -> Any:
    return who.at(version).post(f"/servers/{server.id}/action", {action: body})


def volume_of(server: Server) -> Volume:
    return Volume.objects.get(id=BlockDevice.objects.get(server=server, boot_index=0).volume_id)


def test_an_image_of_snapshots(alice: ComputeCaller, server: Server, worker: Worker, wanted: dict[str, Any]) -> None:
    answer = act(alice, server, "2.45", "createImage", {"name": "both", "metadata": {"k": "v"}})
    assert answer.status_code == 202, answer.content
    made = Image.objects.get(id=answer.json()["image_id"])
    assert (made.status, made.size, made.properties["bdm_v2"], made.properties["k"]) == ("active", 0, "True", "v")
    assert (made.properties["root_device_name"], made.properties["os_type"]) == ("/dev/vda", "linux")
    mappings = json.loads(made.properties["block_device_mapping"])
    root, data = Snapshot.objects.order_by("volume__created_at")[::-1]
    assert [(row["snapshot_id"], row["boot_index"], row["tag"], row["volume_size"]) for row in mappings] == [
        (str(root.id), 0, None, 2), (str(data.id), None, "data", 1),
    ]  # fmt: skip
    assert {root.name, data.name} == {"snapshot for both"}
    # Two disks in one place of the boot order, of which one is the image's.
    twice = {**wanted, "imageRef": str(made.id), "block_device_mapping_v2": [{**blank(boot_index=0)}]}
    answer = alice.at("2.79").post("/servers", {"server": twice})
    assert answer.status_code == 400
    # The snapshots are made by their own runs; until then nothing boots of them.
    again = {**wanted, "imageRef": str(made.id)}
    assert alice.at("2.79").post("/servers", {"server": again}).status_code == 400
    worker.work()
    assert set(Snapshot.objects.values_list("status", flat=True)) == {"available"}

    second = server_of(alice.at("2.79").post("/servers", {"server": again}))
    assert (second.image_id, second.has_volumes, second.image_properties["os_type"]) == (None, True, "linux")
    assert "block_device_mapping" not in second.image_properties
    worker.work()
    second.refresh_from_db()
    assert second.vm_state == "active" and volume_of(second).source_snapshot_id == root.id
    assert [row.tag for row in BlockDevice.objects.filter(server=second)] == ["", "data"]
    # An image of it again; of the root disk that clients ask for of an image, its volume takes the place.
    mapping = {"source_type": "image", "destination_type": "local", "uuid": str(made.id), "boot_index": 0}
    third = server_of(create(alice, again, mapping, blank()))
    assert BlockDevice.objects.filter(server=third).count() == 3


def test_images_that_cannot_be_made(
    alice: ComputeCaller, server: Server, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = used(alice)
    Limit.objects.create(owner_id=alice.project_id, resource="snapshots", value=1)
    assert act(alice, server, "2.45", "createImage", {"name": "i"}).status_code == 403
    Limit.objects.all().delete()
    Volume.objects.filter(id=volume_of(server).id).update(status="extending")
    assert act(alice, server, "2.45", "createImage", {"name": "i"}).status_code == 400
    Volume.objects.update(status="in-use")
    Server.objects.update(task_state="powering-off")
    assert act(alice, server, "2.45", "createImage", {"name": "i"}).status_code == 409
    Server.objects.update(task_state="", image_properties={"os_require_quiesce": "yes"})
    assert act(alice, server, "2.45", "createImage", {"name": "i"}).status_code == 400
    Server.objects.update(image_properties={"os_require_quiesce": "yes", "hw_qemu_guest_agent": "yes"})
    monkeypatch.setattr(agents, "ask", lambda **_: b"no")
    assert "no agent in its guest answers" in act(alice, server, "2.45", "createImage", {"name": "i"}).text
    assert not Snapshot.objects.exists() and not Image.objects.filter(name="i").exists()
    assert not Run.objects.exclude(state="succeeded").exists() and used(alice) == before
    monkeypatch.setattr(agents, "ask", lambda **_: b"yes")
    assert act(alice, server, "2.45", "createImage", {"name": "i"}).status_code == 202
    params = [run.params for run in Run.objects.filter(pipeline="snapshot.create")]
    assert len(params) == 2 and params[0] == params[1] and params[0]["must_wait"]


@pytest.mark.parametrize(
    "text", ["{", "{}", "[1]", '[{"source_type": "snapshot"}]', '[{"source_type": "blank", "volume_size": true}]',
             "[" * 100_000, '[{"source_type": "blank", "tag": "\\u0000"}]', '[{"source_type": "blank", "tag": "a,b"}]',
             '[{"source_type": "blank", "volume_type": "\\u0000"}]',
             '[{"source_type": "snapshot", "snapshot_id": "x", "boot_index": 0}]'],
)  # fmt: skip
def test_mappings_that_anybody_may_have_written(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, text: str
) -> None:
    Image.objects.filter(id=image.id).update(properties={"bdm_v2": "true", "block_device_mapping": text})
    answer = alice.at("2.79").post("/servers", {"server": {**wanted, "imageRef": str(image.id)}})
    assert answer.status_code == 400 and "block_device_mapping" in answer.content.decode()


def test_a_rebuild_with_another_image(alice: ComputeCaller, server: Server, worker: Worker, image: Image) -> None:
    """From 2.93 the root volume gets the image; it keeps its ID, its snapshots and its place."""
    root, other = volume_of(server), Image.objects.create(
        name="other", project_id=alice.project_id, status="active", disk_format="qcow2", container_format="bare",
        size=image.size, virtual_size=image.virtual_size, os_hash_value="f" * 128, properties={"os_distro": "x"},
    )  # fmt: skip
    before = BlockDevice.objects.filter(server=server).values_list("volume_id", "attachment_id")
    known = list(before)
    body = {"imageRef": str(other.id), "name": "again"}
    answer = act(alice, server, "2.92", "rebuild", body)
    assert answer.status_code == 400 and "different image for a volume-backed server" in answer.content.decode()
    Image.objects.filter(id=other.id).update(min_disk=3)
    assert act(alice, server, "2.93", "rebuild", body).status_code == 400
    Image.objects.filter(id=other.id).update(min_disk=0)
    answer = act(alice, server, "2.93", "rebuild", body)
    assert answer.status_code == 202 and answer.json()["server"]["image"] == ""
    assert worker.work()[-1] == "succeeded"
    server.refresh_from_db()
    root.refresh_from_db()
    assert (server.vm_state, server.name, server.image_id) == ("active", "again", None)
    assert server.image_properties == {"os_distro": "x"} and list(before) == known
    assert (root.status, root.image_metadata["image_id"]) == ("in-use", str(other.id))
    assert worker.record("volumes", root.id)["image"].endswith("f" * 128)

    # Below 2.93 with the same image: the volume keeps its content.
    answer = act(alice, server, "2.90", "rebuild", {"imageRef": str(other.id)})
    assert answer.status_code == 202, answer.content
    worker.plan({"op": "write_image", "error": "abort"})
    assert worker.work()[-1] == "succeeded"
    # A failure, once the guest is gone, leaves an ERROR that says why; a rebuild mends it.
    assert act(alice, server, "2.93", "rebuild", body).status_code == 202
    assert worker.work()[-1] == "failed"
    server.refresh_from_db()
    assert server.vm_state == "error" and worker.record("domains", server.id) is None
    worker.plan()
    assert act(alice, server, "2.93", "rebuild", body).status_code == 202
    assert worker.work()[-1] == "succeeded"
    server.refresh_from_db()
    assert server.vm_state == "active"


def test_a_rescue(alice: ComputeCaller, server: Server, worker: Worker, image: Image) -> None:
    body = {"rescue_image_ref": str(image.id)}
    answer = act(alice, server, "2.86", "rescue", body)
    assert answer.status_code == 400 and "Cannot rescue a volume-backed instance" in answer.content.decode()
    assert act(alice, server, "2.87", "rescue", body).status_code == 400  # its disk would take the root disk's place
    Image.objects.filter(id=image.id).update(properties={"hw_rescue_bus": "scsi"})
    assert act(alice, server, "2.87", "rescue", body).status_code == 200
    assert worker.work()[-1] == "succeeded"
    disks = worker.record("domains", server.id)["volumes"]
    assert str(volume_of(server).id) in disks
    assert act(alice, server, "2.87", "unrescue", None).status_code == 202
    assert worker.work()[-1] == "succeeded"
    server.refresh_from_db()
    assert server.vm_state == "active"


def test_an_image_after_a_volume_grew(alice: ComputeCaller, server: Server, worker: Worker) -> None:
    """The image says the volume's size, not that of the request for the server."""
    Volume.objects.filter(id=volume_of(server).id).update(size=5)
    answer = act(alice, server, "2.45", "createImage", {"name": "grown"})
    mappings = json.loads(Image.objects.get(id=answer.json()["image_id"]).properties["block_device_mapping"])
    assert [row["volume_size"] for row in mappings] == [5, 1]


def test_a_rebuild_of_a_volume_that_guests_use_without_export(
    alice: ComputeCaller, server: Server, worker: Worker, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host exports it to itself to write the image, and closes that."""
    opened: list[str] = []
    driver = worker.drivers.volume
    original = driver.open_export

    def open_export(volume_id: str, export: Any) -> Any:
        opened.append(export.name)
        return original(volume_id, export)

    monkeypatch.setattr(driver, "open_export", open_export)
    monkeypatch.setattr(volumes, "is_direct", lambda attachment: True)
    for attachment in Attachment.objects.all():
        driver.close_export(str(attachment.volume_id), None)
    monkeypatch.setattr(
        volumes, "connect", lambda attachment, drivers, **how: Export(str(attachment.volume_id), "e", "")
    )
    with volumes.exported(Attachment.objects.get(volume_id=volume_of(server).id), worker.drivers) as export:
        driver.write_image(export, FromImage("/x", "qcow2", 1))
    assert len(opened) == 1 and not driver.list_exports()


def test_a_volume_of_such_an_image(alice: ComputeCaller, server: Server, worker: Worker) -> None:
    """It is made of the root disk's snapshot, as Cinder does; of an image without data that names none, not at all."""
    answer = act(alice, server, "2.45", "createImage", {"name": "i"})
    worker.work()
    made, context = Image.objects.get(id=answer.json()["image_id"]), alice.context
    volume = volume_requests.resolve(context=context, values={"imageRef": str(made.id)})
    assert (volume.source_image_id, volume.source_snapshot_id, volume.size, volume.bootable) == (
        None, Snapshot.objects.get(volume_id=volume_of(server).id).id, 2, True,
    )  # fmt: skip
    for text in ("", "{", "[" * 100_000, '[{"boot_index": 0, "snapshot_id": 1}]'):
        Image.objects.filter(id=made.id).update(properties={"block_device_mapping": text})
        with pytest.raises(BadRequest):
            volume_requests.resolve(context=context, values={"imageRef": str(made.id), "size": 1})
