"""Images whose kernel and ramdisk are apart (AMI): what POST /servers takes, keeps and shows."""

import hashlib
from typing import Any

import pytest

from apps.compute.models import Server
from apps.images.models import Image
from tests.api.compute.conftest import ComputeCaller

pytestmark = pytest.mark.usefixtures("no_broker")


def part(disk_format: str, owner: ComputeCaller, **values: Any) -> Image:
    return Image.objects.create(
        **{
            "name": disk_format, "project_id": owner.project_id, "visibility": "private", "status": "active",
            "disk_format": disk_format, "container_format": disk_format, "size": 10, "os_hash_algo": "sha512",
            "os_hash_value": hashlib.sha512(disk_format.encode()).hexdigest(), **values,
        }
    )  # fmt: skip


def boot(caller: ComputeCaller, wanted: dict[str, Any], **properties: str) -> Any:
    image = part("ami", caller, properties=properties)
    body = {**wanted, "imageRef": str(image.id), "networks": "none"}
    return caller.at("2.37").post("/servers", {"server": body})


def test_kernel_and_ramdisk_stay_with_the_server(
    alice: ComputeCaller, admin: ComputeCaller, wanted: dict[str, Any]
) -> None:
    kernel, ramdisk = part("aki", alice), part("ari", alice)
    line = "root=/dev/vda ro"
    answer = boot(alice, wanted, kernel_id=str(kernel.id), ramdisk_id=str(ramdisk.id), os_command_line=line)
    assert answer.status_code == 202, answer.content
    server = Server.objects.get()
    facts = server.image_facts
    assert facts["disk_format"] == "ami" and server.image_properties["os_command_line"] == line
    assert (facts["kernel"]["image_id"], facts["kernel"]["sha512"]) == (str(kernel.id), kernel.os_hash_value)
    assert facts["ramdisk"]["disk_format"] == "ari"
    shown = admin.at("2.3").get(f"/servers/{server.id}").json()["server"]
    assert shown["OS-EXT-SRV-ATTR:kernel_id"] == str(kernel.id)
    assert shown["OS-EXT-SRV-ATTR:ramdisk_id"] == str(ramdisk.id)


@pytest.mark.parametrize("word", ["", "nokernel"])
def test_no_kernel(alice: ComputeCaller, wanted: dict[str, Any], word: str) -> None:
    ramdisk = part("ari", alice)
    assert boot(alice, wanted, kernel_id=word, ramdisk_id=str(ramdisk.id)).status_code == 202
    assert not {"kernel", "ramdisk"} & set(Server.objects.get().image_facts)


def test_refusals(alice: ComputeCaller, bob: ComputeCaller, wanted: dict[str, Any]) -> None:
    kernel = part("aki", alice)
    for chosen, words in (
        ("nonsense", "kernel_id=nonsense: Image nonsense could not be found."),
        (str(part("aki", bob).id), "could not be found."),
        (str(part("aki", alice, status="queued").id), "is not active"),
        (str(part("aki", alice, size=(256 << 20) + 1).id), "has more than 256 MiB"),
        (str(part("qcow2", alice, container_format="bare").id), "has the disk_format qcow2. It can be aki or raw."),
    ):
        answer = boot(alice, wanted, kernel_id=chosen)
        assert answer.status_code == 400 and words in answer.json()["badRequest"]["message"], answer.content
    answer = boot(alice, wanted, kernel_id=str(kernel.id), ramdisk_id=str(kernel.id))
    assert "It can be ari or raw." in answer.json()["badRequest"]["message"]
    answer = boot(alice, wanted, kernel_id=str(kernel.id), os_command_line="root=/dev/vda\nro")
    assert "one line of printable characters" in answer.json()["badRequest"]["message"]
    assert not Server.objects.exists()
