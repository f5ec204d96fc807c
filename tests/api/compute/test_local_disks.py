"""Local disks, tags and image properties of a new server: created, passed to the guest, or refused by name."""

from typing import Any

import pytest

from apps.compute.models import BlockDevice, Flavor, Server
from apps.images.models import Image
from apps.metadata import documents
from tests.api.compute.conftest import ComputeCaller
from workers.drivers.hypervisor.base import DiskSpec
from workers.mapping import config_drives, devices, hardware

pytestmark = pytest.mark.usefixtures("no_broker")
BLANK = {"source_type": "blank", "destination_type": "local", "boot_index": -1, "delete_on_termination": True}


@pytest.fixture
def roomy(flavor: Flavor) -> Flavor:
    Flavor.objects.filter(pk=flavor.pk).update(ephemeral_gib=2, swap_mib=256)
    return flavor


def create(caller: ComputeCaller, wanted: dict[str, Any], mappings: list[dict[str, Any]] | None = None) -> Any:
    more = {} if mappings is None else {"block_device_mapping_v2": mappings}
    return caller.at("2.72").post("/servers", {"server": {**wanted, "networks": "none", **more}})


def disks(answer: Any) -> list[tuple[str, int, str, str]]:
    assert answer.status_code == 202, answer.content
    rows = BlockDevice.objects.filter(server_id=answer.json()["server"]["id"]).order_by("position")
    return [(row.kind, row.size, row.device, row.tag) for row in rows]


def root(wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"uuid": wanted["imageRef"], "source_type": "image", "destination_type": "local", "boot_index": 0, **more}


def test_the_flavors_disks_without_a_wish(alice: ComputeCaller, wanted: dict[str, Any], roomy: Flavor) -> None:
    assert [disk[:3] for disk in disks(create(alice, wanted))] == [
        ("root", roomy.disk_gib, "vda"),
        ("ephemeral", 2, "vdb"),
        ("swap", 256, "vdc"),
    ]


def test_ephemeral_is_split_and_tagged(alice: ComputeCaller, wanted: dict[str, Any], roomy: Flavor) -> None:
    mappings = [
        root(wanted, tag="system"),
        {**BLANK, "volume_size": 1, "tag": "first"},
        {**BLANK, "volume_size": 1, "disk_bus": "scsi", "device_type": "disk", "guest_format": "ext4"},
        {**BLANK, "volume_size": 64, "guest_format": "swap"},
    ]
    assert disks(create(alice, wanted, mappings)) == [
        ("root", roomy.disk_gib, "vda", "system"),
        ("ephemeral", 1, "vdb", "first"),
        ("ephemeral", 1, "sda", ""),
        ("swap", 64, "vdc", ""),
    ]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"volume_size": 3}, "Ephemeral disks requested are larger"),
        ({"volume_size": 257, "guest_format": "swap"}, "Swap drive requested is larger"),
        ({"boot_index": 1}, "cannot boot from a blank disk"),
        ({"guest_format": "ntfs"}, "guest_format ntfs is not offered"),
        ({"disk_bus": "usb"}, "disk_bus usb is not offered"),
        ({"disk_bus": "ide"}, "hw_machine_type=pc"),
        ({"device_type": "cdrom"}, "device_type cdrom needs destination_type volume"),
        ({"destination_type": "volume"}, "non-zero size"),
        ({"tag": "a,b"}, "tag"),
    ],
)
def test_what_is_refused_by_name(
    alice: ComputeCaller, wanted: dict[str, Any], roomy: Flavor, mapping: dict[str, Any], words: str
) -> None:
    Image.objects.filter(id=wanted["imageRef"]).update(properties={"hw_machine_type": "q35"})
    answer = create(alice, wanted, [root(wanted), {**BLANK, **mapping}])
    assert answer.status_code == 400
    assert words in answer.json()["badRequest"]["message"]
    assert not Server.objects.exists()


def test_a_flavor_without_such_disks(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    assert create(alice, wanted, [root(wanted), {**BLANK, "volume_size": 1}]).status_code == 400
    assert create(alice, wanted, [root(wanted), {**BLANK, "guest_format": "swap"}]).status_code == 400
    assert create(alice, wanted, [root(wanted, volume_size=99)]).status_code == 400


def test_an_images_properties_are_obeyed_or_refused(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    image = Image.objects.filter(id=wanted["imageRef"])
    image.update(properties={"hw_disk_bus": "ide", "hw_video_model": "cirrus", "hw_watchdog_action": "reset"})
    answer = create(alice, wanted)
    assert disks(answer)[0][2] == "hda"
    server = Server.objects.get(id=answer.json()["server"]["id"])
    assert server.root_device_name == "/dev/hda"
    disk = DiskSpec("hda", "/x", "qcow2", bus=hardware.bus_of(server))
    server.image_properties["hw_machine_type"] = "pc-i440fx-6.2"
    assert hardware.of_server(server, [disk]).machine == "pc-i440fx-6.2"
    server.image_properties["hw_machine_type"] = "pc-q35-7.2"
    assert (hardware.of_server(server, [disk]).machine, hardware.of_server(server, []).machine) == ("pc", "pc-q35-7.2")
    del server.image_properties["hw_machine_type"]
    machine = hardware.of_server(server, [disk])
    assert (machine.machine, machine.video, machine.watchdog) == ("pc", "cirrus", "reset")
    for properties in ({"hw_vif_model": "nonsense"}, {"hw_video_model": "qxl"}):
        image.update(properties=properties)
        answer = create(alice, wanted)
        assert answer.status_code == 400
        assert next(iter(properties)) in answer.json()["badRequest"]["message"]


def test_a_disc(alice: ComputeCaller, wanted: dict[str, Any], roomy: Flavor) -> None:
    """A server of an ISO image has it in a drive; the ephemeral disk is the first on virtio."""
    Image.objects.filter(id=wanted["imageRef"]).update(disk_format="iso")
    server = Server.objects.get(id=create(alice, wanted).json()["server"]["id"])
    rows = list(BlockDevice.objects.filter(server=server).order_by("position"))
    assert [(row.kind, row.device, row.bus) for row in rows[:2]] == [("root", "sda", "sata"), ("ephemeral", "vda", "")]
    assert server.root_device_name == "/dev/sda"


def test_what_the_flavor_says_of_the_machine() -> None:
    """It wins over the image; a total excludes its parts; what is no number is passed over."""
    specs = {
        "hw:boot_menu": "false", "hw:cpu_sockets": "4", "os:secure_boot": "required", "hw:pmu": "no",
        "quota:cpu_shares": "512", "quota:cpu_quota": "x", "hw_rng:rate_bytes": "9", "hw:vif_multiqueue_enabled": "on",
        "quota:disk_total_iops_sec": "100", "quota:disk_read_iops_sec": "50", "quota:disk_read_bytes_sec": "7",
    }  # fmt: skip
    server = Server(flavor={"vcpus": 4, "extra_specs": specs}, image_properties={"hw_boot_menu": "yes"})
    machine = hardware.of_server(server, [])
    assert (machine.boot_menu, machine.topology, machine.firmware, machine.secure_boot) == (
        False,
        (4, 1, 1),
        "uefi",
        True,
    )
    assert (machine.cpu_shares, machine.cpu_quota, machine.rng_rate) == (512, None, (9, 1000))
    assert machine.performance_counters is False and hardware.queues_of(server) == 4 and machine.rng
    assert hardware.limits_of(server) == (("read_bytes_sec", 7), ("total_iops_sec", 100))
    server.flavor = {"vcpus": 8, "extra_specs": {"hw_rng:allowed": "False", "hw:cpu_max_cores": "2"}}
    machine = hardware.of_server(server, [])
    assert (machine.rng, machine.topology) == (False, (4, 2, 1))


@pytest.mark.parametrize("disk_format", ["ploop"])
def test_formats_that_no_server_boots_from(alice: ComputeCaller, wanted: dict[str, Any], disk_format: str) -> None:
    """Requests for them are refused with advice, and no host advertises them."""
    Image.objects.filter(id=wanted["imageRef"]).update(disk_format=disk_format)
    answer = create(alice, wanted)
    assert answer.status_code == 400
    message = answer.json()["badRequest"]["message"]
    assert disk_format in message and "boot from qcow2, raw, vmdk" in message
    assert not Server.objects.exists()


def test_tagged_devices_are_told_to_the_guest(alice: ComputeCaller, wanted: dict[str, Any], roomy: Flavor) -> None:
    answer = create(alice, wanted, [root(wanted, tag="system"), {**BLANK, "disk_bus": "scsi"}])
    server = Server.objects.get(id=answer.json()["server"]["id"])
    rows = list(BlockDevice.objects.filter(server=server).order_by("position"))
    specs = [
        DiskSpec(row.device, "/x", "qcow2", serial=devices.serial_of(row), bus=hardware.bus_of(server, row))
        for row in rows
    ]
    told = config_drives.meta_data(server, devices.of_server(server, rows, specs, [], {"vda": "0000:05:00.0"}))
    seen = {"type": "disk", "bus": "pci", "serial": rows[0].id.hex[:20], "path": "/dev/vda", "tags": ["system"]}
    assert told["devices"] == [{**seen, "address": "0000:05:00.0"}]
    assert devices.of_server(server, rows, specs, [], {})[0]["address"] == "none"
    assert devices.has_tags(server, rows) and not devices.has_tags(server, rows[1:])
    assert (told["uuid"], told["name"]) == (str(server.id), server.name)


def test_ec2_documents_hold_what_the_rows_say(alice: ComputeCaller, wanted: dict[str, Any]) -> None:
    server = Server.objects.get(id=create(alice, wanted).json()["server"]["id"])
    told = documents.ec2_meta_data(server, [])
    assert told["security-groups"] == []
    assert "local-ipv4" not in told
