"""Images whose kernel and ramdisk are apart (AMI): what POST /servers takes, keeps and shows."""

import hashlib
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from apps.compute.models import Server
from apps.images.models import Image
from tests.api.compute.conftest import ComputeCaller
from tests.unit.drivers import samples
from workers.drivers.storage.simulated import SimulatedStorage
from workers.mapping import boot_files

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


def test_a_hosts_files_of_them(tmp_path: Path) -> None:
    """Made once of the images, and used when these are gone; a rescue has the rescue image's, or none."""
    facts = {"sha512": "a" * 128, "size": 9, "disk_format": "ami", "virtual_size": 9, "min_disk": 0}
    part = {**facts, "image_id": str(uuid.uuid4()), "disk_format": "aki"}
    facts |= {"kernel": {**part, "sha512": "b" * 128}, "ramdisk": {**part, "sha512": "c" * 128}}
    storage: Any = SimulatedStorage({"state_dir": tmp_path, "host": "h1"})
    drivers: Any = SimpleNamespace(storage=storage)
    server: Any = SimpleNamespace(image_facts=facts, image_properties={})
    disk = samples.volume_disk("vdb", boot_index=1)
    spec = samples.server(disks=(disk,))
    for _ in range(2):
        boot = boot_files.of_server(spec, server, drivers).direct_boot
        assert boot is not None and boot.kernel.endswith("root-kernel-" + "b" * 16)
        assert boot.ramdisk is not None and boot.ramdisk.endswith("root-ramdisk-" + "c" * 16)
        assert boot.command_line == "root=/dev/vdb console=tty0 console=ttyS0"
        for image in storage.list_images():
            storage.evict_image(image.sha512)
        storage.cache_file = None  # nothing is fetched again
    rescue = {"image_facts": {key: facts[key] for key in ("sha512", "size")}, "image_properties": {}}
    assert boot_files.of_rescue(spec, rescue, drivers).direct_boot is None
