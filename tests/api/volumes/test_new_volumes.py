"""New volumes: their sources, quotas and hints, and what bad input gets."""

import uuid
from typing import Any

import pytest

from apps.images.models import Image
from apps.quotas.services import limits, verification
from apps.volumes.models import Volume, VolumeType
from apps.volumes.services import volume_states
from apps.workflow.models import Run
from tests.api.volumes.conftest import refusal

GIB = 1024**3


@pytest.fixture
def image(db: None) -> Image:
    return Image.objects.create(
        name="tiny", project_id="x", visibility="public", status="active", disk_format="qcow2", container_format="bare",
        size=10, virtual_size=2 * GIB - 1, min_disk=1, os_hash_algo="sha512", os_hash_value="0" * 128,
        properties={"hw_disk_bus": "virtio", "os_hidden_thing": "x"},
    )  # fmt: skip


def test_volume_from_an_image(alice: Any, image: Image) -> None:
    made = alice.post("/volumes", {"volume": {"size": 2, "imageRef": str(image.id)}})
    assert made.status_code == 202, made.content
    row = Volume.objects.get(id=made.json()["volume"]["id"])
    assert (row.source_image_id, row.bootable) == (image.id, False)
    expected = {"image_id": str(image.id), "image_name": "tiny", "disk_format": "qcow2", "min_disk": "1",
                "container_format": "bare", "size": "10", "min_ram": "0", "hw_disk_bus": "virtio"}  # fmt: skip
    assert row.image_metadata == expected
    volume_states.mark_available(volume_id=row.id, image_metadata=row.image_metadata)
    shown = alice.get(f"/volumes/{row.id}").json()["volume"]
    assert (shown["bootable"], shown["volume_image_metadata"]) == ("true", expected)


def test_copies(alice: Any, bob: Any, make_volume: Any, make_snapshot: Any) -> None:
    source = make_volume(alice, size=2)
    Volume.objects.filter(id=source["id"]).update(bootable=True)
    snapshot = make_snapshot(alice, source)
    for origin, key in (
        ({"source_volid": source["id"]}, "source_volid"),
        ({"snapshot_id": snapshot["id"]}, "snapshot_id"),
    ):
        copied = alice.post("/volumes", {"volume": origin})
        assert copied.status_code == 202, copied.content
        document = copied.json()["volume"]
        assert (document["size"], document[key], document["bootable"]) == (2, origin[key], "true")
        assert refusal(alice.post("/volumes", {"volume": {**origin, "size": 1}}))[0] == 400
        assert refusal(bob.post("/volumes", {"volume": origin}))[0] == 404
    # A copy that is being made keeps its source.
    assert "is the source of" in refusal(alice.delete(f"/snapshots/{snapshot['id']}"))[1]
    assert refusal(alice.delete(f"/volumes/{source['id']}?cascade=True"))[0] == 400
    assert Volume.objects.get(id=source["id"]).status == "available"


BAD_VOLUMES: list[tuple[Any, int]] = [
    ({}, 400),
    ({"size": None}, 400),
    ({"size": 0}, 400),
    ({"size": "#$%"}, 400),
    ({"size": -1}, 400),
    ({"size": 1.5}, 400),
    ({"size": True}, 400),
    ({"size": "9" * 30}, 400),
    ({"size": [1]}, 400),
    ({"size": 1, "name": "x" * 256}, 400),
    ({"size": 1, "name": 5}, 400),
    ({"size": 1, "name": "nul\0"}, 400),
    ({"size": 1, "metadata": {"k": "v" * 256}}, 400),
    ({"size": 1, "metadata": {"": "v"}}, 400),
    ({"size": 1, "metadata": "text"}, 400),
    ({"size": 1, "volume_type": "no-such"}, 404),
    ({"size": 1, "snapshot_id": "no-such"}, 404),
    ({"size": 1, "source_volid": str(uuid.uuid4())}, 404),
    ({"size": 1, "imageRef": "no-such"}, 400),
    ({"size": 1, "imageRef": str(uuid.uuid4())}, 400),
    ({"size": 1, "imageRef": str(uuid.uuid4()), "source_volid": str(uuid.uuid4())}, 400),
    ({"size": 1, "availability_zone": "mars"}, 400),
    ({"size": 1, "backup_id": str(uuid.uuid4())}, 404),
    ({"size": 1, "group_id": str(uuid.uuid4())}, 404),
    ({"size": 1, "colour": "red"}, 400),
]


def test_bad_volumes_write_nothing(alice: Any) -> None:
    for values, code in BAD_VOLUMES:
        assert refusal(alice.at("3.70").post("/volumes", {"volume": values}))[0] == code, values
    for body in ([], {}, {"volume": []}, {"volume": None}, {"volume": {"size": 1}, "other": 1}):
        assert refusal(alice.post("/volumes", body))[0] == 400, body
    assert refusal(alice.post("/volumes", {"volume": {"size": 1}, "OS-SCH-HNT:scheduler_hints": {"a": {}}}))[0] == 400
    assert not Volume.objects.exists() and not Run.objects.exists()


def test_images_that_do_not_fit(alice: Any, bob: Any, image: Image) -> None:
    body = {"volume": {"size": 1, "imageRef": str(image.id)}}
    assert "larger than volume size" in refusal(alice.post("/volumes", body))[1]
    Image.objects.filter(id=image.id).update(virtual_size=GIB, min_disk=5)
    assert "minDisk" in refusal(alice.post("/volumes", body))[1]
    Image.objects.filter(id=image.id).update(min_disk=0, status="queued")
    assert "not active" in refusal(alice.post("/volumes", body))[1]
    Image.objects.filter(id=image.id).update(status="active", visibility="private")
    assert refusal(alice.post("/volumes", body))[0] == 400
    assert not Volume.objects.exists()


@pytest.mark.parametrize(
    ("resource", "limit", "word"),
    [("volumes", 1, "volumes"), ("gigabytes", 1, "gigabytes"), ("per_volume_gigabytes", 1, "exceeds"),
     ("type", 1, "gigabytes_fast")],
)  # fmt: skip
def test_quotas(alice: Any, make_volume: Any, resource: str, limit: int, word: str) -> None:
    kind = VolumeType.objects.create(name="fast")
    make_volume(alice, volume_type="fast")
    name = f"gigabytes:{kind.id}" if resource == "type" else resource
    limits.set_many(owner_id=alice.project_id, values={name: limit}, force=True)
    answer = alice.post("/volumes", {"volume": {"size": 2, "volume_type": str(kind.id)}})
    code, message = refusal(answer)
    assert code == 413 and "exceed" in message.lower() and word in message
    assert "Retry-After" not in answer
    assert Volume.objects.count() == 1 and not verification.verify()


def test_hints(alice: Any) -> None:
    key = str(uuid.uuid4())
    for hints, code in (
        ({"local_to_instance": key, "same_host": [key], "different_host": key, "other": "x"}, 202),
        ({"same_host": "x"}, 400),
        ({"different_host": [key, "x"]}, 400),
        ({"local_to_instance": [key, key]}, 400),
        ({"query": "[]"}, 400),  # not offered
        ({"same_host": {}}, 400),
        ("x", 400),
    ):
        answer = alice.post("/volumes", {"volume": {"size": 1}, "OS-SCH-HNT:scheduler_hints": hints})
        assert answer.status_code == code, hints
    assert Volume.objects.get().scheduler_hints["same_host"] == [key]
