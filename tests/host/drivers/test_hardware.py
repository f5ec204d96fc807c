"""What images ask of the machine, seen from within a real guest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt
import pytest

from apps.compute.image_property_table import PROPERTIES
from tests.host.drivers.conftest import fixed_network
from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.hypervisor.base import (
    Bus,
    CardModel,
    CellPlacement,
    Hardware,
    HypervisorDriver,
    Placement,
    ServerSpec,
)
from workers.drivers.hypervisor.libvirt import uefi
from workers.drivers.hypervisor.libvirt.definition import define
from workers.drivers.hypervisor.libvirt.driver import LibvirtDriver
from workers.drivers.hypervisor.libvirt.host import limits_processors
from workers.drivers.network.base import PortSpec
from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.storage.base import CachedImage, Disk, StorageDriver

pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.usefixtures("clean_host", "bridge")]

# What the guest says of itself: its disks, and vendor and device of everything on its PCI bus.
LOOK = b"""#!/bin/sh
echo "disks: $(ls /sys/block | grep -v loop | tr '\\n' ' ')"
for one in /sys/bus/pci/devices/*; do echo "pci: $(cat $one/vendor $one/device | tr '\\n' ' ')"; done
for one in /sys/bus/virtio/devices/*; do echo "packed: $(cut -c 35 $one/features)"; done
echo "tables: $(ls /sys/firmware/acpi/tables | tr '\\n' ' ')"
echo "cpu: $(grep -m 1 'model name' /proc/cpuinfo), $(grep -c -w aes /proc/cpuinfo) with aes"
for one in /sys/bus/pci/devices/*; do
    [ "$(cat $one/class)" = 0x030000 ] || continue
    read -r first last rest < $one/resource
    echo "video: $(((last - first + 1) >> 20)) MiB"
done
echo "queues: $(ls -d /sys/class/net/eth0/queues/rx-* | wc -l)"
echo "end of look"
"""


@dataclass(frozen=True)
class Wish:
    """What is asked for, and what of it the guest sees."""

    root: str
    drive: str
    bus: Bus
    hardware: Hardware
    seen: tuple[str, ...]
    card: CardModel = "virtio"
    queues: int = 1
    vcpus: int = 1
    policy: tuple[tuple[str, Any], ...] = ()


IDE = ("disks: sda sr0", "0x8086 0x1237")  # and the board's bridge
WISHES = {
    "scsi": Wish(
        "sda", "sdb", "scsi", Hardware(watchdog="reset"), ("disks: sda sdb", "0x8086 0x25ab"), queues=2, vcpus=2
    ),
    "ide": Wish("hda", "hdb", "ide", Hardware(machine="pc", video="cirrus"), (*IDE, "0x1013 0x00b8")),
    "packed": Wish(
        "vda", "vdb", "virtio", Hardware(packed_rings=True, iommu="intel", video_mib=64),
        ("packed: 1", "DMAR", "video: 64 MiB"),
    ),
    "virtio-iommu": Wish("vda", "vdb", "virtio", Hardware(iommu="virtio", rng=False), ("0x1af4 0x1057", "VIOT")),
    "processor": Wish(
        "vda", "vdb", "virtio", Hardware(machine="pc-i440fx-6.2"), ("Westmere", "0 with aes", "0x8086 0x1237"),
        policy=(("cpu_model", "Westmere"), ("cpu_features", ("-aes",))),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.heavy] if name != "scsi" else []) for name in WISHES]
)
def test_a_guest_sees_what_its_image_asked_for(
    name: str,
    hypervisor: HypervisorDriver,
    network: NetworkSpec,
    storage: StorageDriver,
    cached: CachedImage,
    state_directory: Path,
) -> None:
    wish = WISHES[name]
    if wish.policy:
        uri = os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system")
        hypervisor = hypervisors.load("libvirt", {"state_dir": state_directory, "uri": uri, **dict(wish.policy)})
    port, server_id = samples.port(network), samples.new_id()
    documents = {
        "openstack/latest/meta_data.json": b'{"uuid": "%s", "hostname": "asked"}' % server_id.encode(),
        "openstack/latest/network_data.json": fixed_network(port),
        "openstack/latest/user_data": LOOK,
    }
    drive = storage.create_config_drive(server_id, documents)
    disks = (
        samples.disk(storage.create_root(server_id, cached, 1), wish.root, boot_index=1, bus=wish.bus),
        samples.disk(drive, wish.drive, bus=wish.bus, readonly=True, device="cdrom" if wish.bus == "ide" else "disk"),
    )
    card = samples.interface(network, port, model=wish.card, queues=wish.queues)
    spec = samples.server(
        state_directory, id=server_id, disks=disks, interfaces=(card,), vcpus=wish.vcpus, hardware=wish.hardware
    )
    try:
        hypervisor.spawn(spec)
        eventually(lambda: b"end of look" in hypervisor.console_output(server_id), 180)
        text = hypervisor.console_output(server_id).decode("utf8", "replace")
        for words in (*wish.seen, f"queues: {wish.queues}"):
            assert words in text
    finally:
        print(hypervisor.console_output(server_id).decode("utf8", "replace"))
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)


ROOTS: dict[Bus, str] = {"virtio": "vda", "scsi": "sda", "sata": "sda", "ide": "hda"}
VALUES: list[dict[str, Any]] = [
    *({"bus": bus} for bus in PROPERTIES["hw_disk_bus"].offered),
    *({"card": card} for card in PROPERTIES["hw_vif_model"].offered),
    *({"video": video} for video in PROPERTIES["hw_video_model"].offered),
    *({"watchdog": word} for word in PROPERTIES["hw_watchdog_action"].offered if word != "disabled"),
    *({"sound": model} for model in PROPERTIES["hw_sound_model"].offered),
    *({"tablet": bus} for bus in PROPERTIES["hw_input_bus"].offered),
    {"machine": "pc", "bus": "virtio", "card": "e1000", "video": "virtio", "sound": "ich6", "tablet": "virtio"},
    {"machine": "pc", "bus": "scsi", "card": "rtl8139", "video": "bochs"},
    {"bus": "sata", "card": "e1000e", "video": "bochs"},
    {"bus": "ide", "card": "rtl8139", "video": "none"},
]


def asked(
    state_directory: Path, network: NetworkSpec, port: PortSpec, values: dict[str, Any], *, root: Disk | None = None,
    **more: Any,
) -> ServerSpec:  # fmt: skip
    bus = values.get("bus", "virtio")
    made = root or Disk(str(state_directory / "disk"), "qcow2", 1 << 30)
    return samples.server(
        state_directory,
        disks=(samples.disk(made, ROOTS[bus], boot_index=1, bus=bus),),
        interfaces=(samples.interface(network, port, model=values.get("card", "virtio")),),
        hardware=Hardware(
            machine=values.get("machine") or ("pc" if bus == "ide" else "q35"),
            video=values.get("video", "vga"),
            watchdog=values.get("watchdog"),
            tablet=values.get("tablet"),
            keyboard="tablet" in values,
            sound=values.get("sound"),
        ),
        **more,
    )


def test_libvirt_takes_every_value_of_an_image(
    hypervisor: LibvirtDriver, network: NetworkSpec, state_directory: Path
) -> None:
    """Each domain is checked against libvirt's schema and by QEMU's driver, which also places the devices."""
    connection = libvirt.open(os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system"))
    try:
        for values in VALUES:
            spec = asked(state_directory, network, samples.port(network), values)
            xml = define(spec, hypervisor.policy).xml()
            made = connection.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
            made.undefine()
    finally:
        connection.close()


def test_secure_boot_and_limits(hypervisor: LibvirtDriver, storage: StorageDriver, state_directory: Path) -> None:
    """QEMU starts with the enrolled keys, throttled disks and its share of processors."""
    server_id = samples.new_id()
    limits = (("read_bytes_sec", 1 << 20), ("total_iops_sec", 100))
    disk = samples.disk(storage.create_root(server_id, None, 1), "vda", boot_index=1, limits=limits)
    shares = {"cpu_shares": 512, "cpu_quota": 50_000, "cpu_period": 100_000} if limits_processors() else {}
    asked = Hardware(firmware="uefi", secure_boot=True, hpet=True, rng_rate=(1024, 1000), **shares)  # type: ignore[arg-type]
    spec = samples.server(state_directory, id=server_id, disks=(disk,), hardware=asked)
    try:
        hypervisor.spawn(spec)
        with libvirt.open(os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system")) as connection:
            domain = connection.lookupByUUIDString(server_id)
            text = domain.XMLDesc()
            assert "secboot" in text or "ms.fd" in text
            assert domain.blockIoTune("vda")["total_iops_sec"] == 100
            assert not shares or domain.schedulerParameters()["vcpu_quota"] == 50_000
    finally:
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)


def test_processors_of_its_own(hypervisor: LibvirtDriver, storage: StorageDriver, state_directory: Path) -> None:
    """The kernel lets QEMU's threads run where the claim says. Large pages only where the host has some."""
    known, server_id = hypervisor.facts().topology, samples.new_id()
    cell = known["cells"][0]
    last = cell["cpus"][-1]
    page = 2048 if cell["pages"].get("2048", 0) >= 48 else 0
    asked = Hardware(placement=Placement((CellPlacement(cell["id"], ((0, (last,)),), 96, page),), (last,)))
    disk = samples.disk(storage.create_root(server_id, None, 1), "vda", boot_index=1)
    try:
        hypervisor.spawn(samples.server(state_directory, id=server_id, disks=(disk,), hardware=asked))
        with libvirt.open(os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system")) as connection:
            domain = connection.lookupByUUIDString(server_id)
            assert [cpu for cpu, may in enumerate(domain.vcpuPinInfo()[0]) if may] == [last]
            assert ("hugepages" in domain.XMLDesc()) == bool(page)
    finally:
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)


@pytest.mark.parametrize("values", VALUES[-4:], ids=str)
def test_qemu_starts_them(
    values: dict[str, Any], hypervisor: LibvirtDriver, network: NetworkSpec,
    storage: StorageDriver, state_directory: Path,
) -> None:  # fmt: skip
    port, server_id = samples.port(network), samples.new_id()
    root = storage.create_root(server_id, None, 1)
    try:
        spec = asked(state_directory, network, port, values, root=root, id=server_id)
        assert hypervisor.spawn(spec).power_state == "running"
    finally:
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)


def test_uefi(hypervisor: HypervisorDriver, storage: StorageDriver, state_directory: Path) -> None:
    """The firmware is OVMF: it finds nothing to boot on an empty disk, and says so. Its variables go with the guest."""
    if "COMPUTE_FIRMWARE_UEFI" not in hypervisor.facts().traits:
        pytest.skip("this host has no OVMF")
    server_id = samples.new_id()
    disk = samples.disk(storage.create_root(server_id, None, 1), "vda", boot_index=1)
    spec = samples.server(state_directory, id=server_id, disks=(disk,), hardware=Hardware(firmware="uefi"))
    try:
        hypervisor.spawn(spec)
        eventually(lambda: b"BdsDxe" in hypervisor.console_output(server_id), 120)
        copy = Path(spec.instance_dir) / uefi.COPY
        hypervisor.stop(server_id, 0)
        kept = copy.read_bytes()
        assert kept.count(b"B\0o\0o\0t\0") > 1, "it has written boot entries"
        hypervisor.destroy(server_id)  # as on a host that the server leaves
        assert not list(Path("/var/lib/libvirt/qemu/nvram").glob(f"{spec.name}_VARS*"))
        copy.write_bytes(kept[:-4] + b"mark")  # in the last spare bytes, which the firmware does not look at
        hypervisor.start(spec)
        hypervisor.stop(server_id, 0)
        assert copy.read_bytes()[-4:] == b"mark"
        hypervisor.destroy(server_id)
        copy.write_bytes(b"of another firmware")
        assert hypervisor.start(spec).power_state == "running"
    finally:
        hypervisor.destroy(server_id)
        storage.remove_server(server_id)
