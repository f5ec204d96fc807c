"""Requests for servers with volumes that are refused, and change nothing."""

import uuid
from typing import Any

import pytest

from apps.compute.models import Server
from apps.images.models import Image
from apps.quotas.models import Limit
from apps.volumes.models import Attachment, Volume
from apps.workflow.models import Run
from tests.api.compute import test_boot_from_volume
from tests.api.compute.conftest import ComputeCaller
from tests.api.compute.in_process import Worker
from tests.api.compute.test_boot_from_volume import MakeVolume, blank, create, of_image, of_volume, used

pytestmark = pytest.mark.django_db
make_volume, wanted, worker = (getattr(test_boot_from_volume, name) for name in ("make_volume", "wanted", "worker"))

UNKNOWN = "8f1f6d0e-0d2a-4d0e-9f52-3a8a3b1f7c55"


@pytest.mark.parametrize(
    ("mappings", "words"),
    [
        ([{"source_type": "volume", "destination_type": "local", "uuid": UNKNOWN}], "destination_type volume"),
        ([{"source_type": "volume", "boot_index": 0}], "needs a uuid"),
        ([{"source_type": "volume", "uuid": UNKNOWN, "boot_index": 0}], f"failed to get volume {UNKNOWN}"),
        ([{"source_type": "snapshot", "uuid": UNKNOWN, "boot_index": 0}], "failed to get snapshot"),
        ([{"source_type": "image", "destination_type": "volume", "uuid": UNKNOWN, "boot_index": 0}], "non-zero size"),
        ([blank(volume_size=None)], "non-zero size"),
        ([blank(boot_index=0), blank(boot_index=0)], "Boot sequence"),
        ([blank(boot_index=1)], "Boot sequence"),
        ([blank()], "an image is required"),
        ([blank(guest_format="ext4")], "guest_format is for local disks"),
        ([blank(volume_type="nothing of the kind")], "failed to get volume type"),
        ([blank(disk_bus="usb")], "disk_bus usb is not offered"),
        ([{"source_type": "image", "destination_type": "volume", "uuid": UNKNOWN, "volume_size": 1, "boot_index": 0}],
         "Invalid image identifier"),
    ],
)  # fmt: skip
def test_refused_mappings(
    alice: ComputeCaller, wanted: dict[str, Any], worker: Worker, mappings: list[dict[str, Any]], words: str
) -> None:
    answer = create(alice, wanted, *mappings)
    assert answer.status_code == 400 and words in answer.json()["badRequest"]["message"], answer.content
    assert not Server.objects.exists() and not Volume.objects.exists() and not Run.objects.exists()


def test_volumes_that_cannot_be_booted_from(
    alice: ComputeCaller, bob: ComputeCaller, admin: ComputeCaller, wanted: dict[str, Any], image: Image,
    make_volume: MakeVolume,
) -> None:  # fmt: skip
    own, multiple = make_volume(alice), of_image(image)
    refused: list[tuple[ComputeCaller, list[dict[str, Any]], dict[str, Any], str]] = [
        (alice, [of_volume(make_volume(bob), boot_index=0)], {}, "failed to get volume"),
        (admin, [of_volume(make_volume(bob), boot_index=0)], {}, "failed to get volume"),
        (alice, [of_volume(make_volume(alice, bootable=False), boot_index=0)], {}, "not bootable"),
        (alice, [of_volume(make_volume(alice, status="in-use"), boot_index=0)], {}, "status must be available"),
        (alice, [of_volume(own, boot_index=0), of_volume(own)], {}, "named twice"),
        (alice, [of_volume(own, boot_index=0)], {"max_count": 2, "min_count": 2}, "multiple instances"),
        (alice, [{**multiple, "volume_size": 1}], {"min_count": 1, "imageRef": ""}, "larger than volume size"),
    ]  # fmt: skip
    Image.objects.filter(id=image.id).update(virtual_size=2 << 30)
    for caller, mappings, more, words in refused:
        answer = create(caller, wanted, *mappings, **more)
        assert answer.status_code == 400 and words in answer.json()["badRequest"]["message"], answer.content
    assert not Server.objects.exists() and not Attachment.objects.exists()


def test_quotas_are_reserved_with_the_request(
    alice: ComputeCaller, wanted: dict[str, Any], image: Image, worker: Worker
) -> None:
    Limit.objects.create(owner_id=alice.project_id, resource="gigabytes", value=3)
    answer = create(alice, wanted, of_image(image, volume_size=2), max_count=2, min_count=2)
    assert answer.status_code == 403 and "exceed" in answer.json()["forbidden"]["message"], answer.content
    assert not Server.objects.exists() and not Volume.objects.exists()
    assert all(amounts == (0, 0) for amounts in used(alice).values())


def test_unknown_ids_of_others(alice: ComputeCaller, wanted: dict[str, Any], worker: Worker) -> None:
    answer = create(alice, wanted, {"source_type": "volume", "uuid": str(uuid.uuid4()), "boot_index": 0})
    assert answer.status_code == 400
