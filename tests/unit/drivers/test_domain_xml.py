"""The domain's XML: golden files, libvirt's own schema, and texts that try to inject elements."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import libvirt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.unit.drivers import samples
from workers.drivers.errors import SpecInvalid
from workers.drivers.hypervisor.base import (
    CellPlacement,
    DirectBoot,
    DiskBacking,
    DiskSpec,
    Hardware,
    InterfaceSpec,
    Placement,
    ServerSpec,
    TpmSpec,
)
from workers.drivers.hypervisor.libvirt.definition import EMULATED_FEATURES, SPARE_PORTS, HostPolicy, completed, define
from workers.drivers.hypervisor.libvirt.host import check_model, decide_virt_type, parse
from workers.drivers.hypervisor.libvirt.policy import policy_from
from workers.drivers.hypervisor.libvirt.xml.element import clean

GOLDEN = Path(__file__).parents[2] / "golden" / "domains"
SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")
ID = "5f1f4a3e-8b1c-4b8e-9a52-3d2a4c1f0e11"
HOME = "/var/lib/celerity"
IMAGE = f"{HOME}/images/" + "ab" * 64


def server(**changes: Any) -> ServerSpec:
    return samples.server(**{"id": ID, "name": "instance-0000002a", "ram_mib": 512, **changes})


def full() -> ServerSpec:
    directory = f"{HOME}/instances/{ID}"
    return server(
        vcpus=2,
        display_name='web <1> & "co"',
        metadata={"role": "web", "a&b": "<c>"},
        disks=(
            DiskSpec("vda", f"{directory}/root", "qcow2", boot_index=1, backing=DiskBacking(IMAGE, "qcow2")),
            DiskSpec("vdb", f"{directory}/ephemeral0", "raw"),
            DiskSpec("vdc", "/dev/mapper/volume", "raw", serial="9a1e6a50-0000-4000-8000-000000000000"),
            DiskSpec("sda", f"{directory}/config-2", "iso", device="cdrom", readonly=True),
        ),
        interfaces=(
            InterfaceSpec("0c7e2d8e-3f2b-4f6a-8a53-6a1c9f1d2b01", "fa:16:3e:00:00:01", "tap0c7e2d8e", "br1", 1450),
            InterfaceSpec(
                "0c7e2d8e-3f2b-4f6a-8a53-6a1c9f1d2b02", "fa:16:3e:00:00:02", "tap0c7e2d8f", "br2", 1500, "e1000e"
            ),
        ),
    )


def asked() -> ServerSpec:
    """Optional devices that an image may ask for."""
    directory = f"{HOME}/instances/{ID}"
    return server(
        vcpus=4,
        disks=(
            DiskSpec("hda", f"{directory}/root", "qcow2", boot_index=1),
            DiskSpec("sda", f"{directory}/swap", "raw", bus="sata"),
        ),
        interfaces=(
            InterfaceSpec("0c7e2d8e-3f2b-4f6a-8a53-6a1c9f1d2b01", "fa:16:3e:00:00:01", "tap1", "br1", 1450, queues=4),
            InterfaceSpec(
                "0c7e2d8e-3f2b-4f6a-8a53-6a1c9f1d2b02",
                "fa:16:3e:00:00:02",
                "tap2",
                "br-int",
                openvswitch=True,
                offloads=False,
            ),
        ),
        hardware=Hardware(
            machine="pc",
            firmware="uefi",
            video="virtio",
            watchdog="reset",
            boot_menu=True,
            guest_agent=True,
            local_time=True,
            topology=(2, 1, 2),
        ),
        direct_boot=DirectBoot(f"{directory}/root-kernel-0", f"{directory}/root-ramdisk-0", "root=/dev/hda ro"),
    )


def on_volumes() -> ServerSpec:
    """A server whose disks are volumes."""
    first, second = "9a1e6a50-0000-4000-8000-000000000000", "9a1e6a50-0000-4000-8000-000000000001"
    return server(
        disks=(
            samples.volume_disk("vda", serial=first, boot_index=1),
            samples.volume_disk("vdb", serial=second, readonly=True),
        )
    )


def placed() -> ServerSpec:
    """Two cells: one with a dedicated processor, one with large pages and a shared processor."""
    cells = (CellPlacement(0, ((0, (4,)),), 256), CellPlacement(1, ((1, (0, 1)),), 256, page_kib=2048))
    return server(
        vcpus=2,
        hardware=Hardware(
            placement=Placement(cells, (4,), realtime=(1,)),
            locked=True,
            devices=("0000:3b:00.1",),
            tablet="usb",
            keyboard=True,
            sound="ich9",
            tpm=TpmSpec("2.0", "tpm-crb", "secret"),
        ),
    )


CASES = {
    "placed": (placed(), HostPolicy(home=HOME, shared_cpus=(0, 1))),
    "volumes": (on_volumes(), HostPolicy(home=HOME)),
    "features": (
        replace(full(), hardware=Hardware(packed_rings=True, iommu="intel", address=("emulate", 42), video_mib=64)),
        HostPolicy(home=HOME),
    ),
    "minimal": (server(), HostPolicy(home=HOME)),
    "full-qemu": (full(), HostPolicy(home=HOME)),
    "full-kvm": (
        full(),
        HostPolicy(home=HOME, virt_type="kvm", cpu_mode="host-model", cpu_features=(), disk_cache="none"),
    ),
    "asked": (asked(), HostPolicy(home=HOME)),
    "passthrough": (
        server(hardware=Hardware(iommu="virtio", address=("passthrough", 0))),
        HostPolicy(home=HOME, virt_type="kvm", cpu_mode="host-passthrough", cpu_features=("pcid", "-hle")),
    ),
    "model": (server(), policy_from({"state_dir": HOME, "virt_type": "kvm", "cpu_model": "Westmere"})),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    """When the XML is meant to change: delete the file, run again, read the difference, commit it."""
    path = GOLDEN / f"{name}.xml"
    xml = define(*CASES[name]).xml()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(xml)
        pytest.fail(f"{path} was missing and has been written: read it")
    assert xml == path.read_text()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.skipif(not SCHEMA.exists(), reason="libvirt's schemas are not installed")
def test_libvirts_schema(name: str) -> None:
    schema = etree.RelaxNG(etree.parse(str(SCHEMA)))
    schema.assertValid(define(*CASES[name]).build())


def test_nobody_is_left_to_probe() -> None:
    """Every disk says its format, and where its chain ends (OSSA-2014-009, 2014-033, 2020-006)."""
    for disk in define(*CASES["full-qemu"]).build().findall("devices/disk"):
        assert disk.find("driver").get("type") in ("raw", "qcow2")
        stores = disk.findall(".//backingStore")
        assert len(stores[-1]) == 0
        assert stores[-1].get("type") is None


def test_nothing_of_the_host_shows() -> None:
    """OSSN-0028."""
    entries = {
        item.get("name"): item.text for item in define(*CASES["minimal"]).build().findall("sysinfo/system/entry")
    }
    assert entries["serial"] == entries["uuid"] == ID
    serial = Path("/sys/class/dmi/id/product_uuid")
    if serial.exists():
        assert serial.read_text().strip().lower() not in define(*CASES["minimal"]).xml()


def shape(element: Any) -> list[str]:
    return [item.tag for item in element.iter()]


text = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["</title>", "]]>", "&amp;", "<!DOCTYPE x>", "\x00", "\x1b[2J", "a\nb", "\ud800", "\ufffe", "a\rb", "'\"", "%s{0}"]
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the XML's
@given(name=text, key=text, value=text, flavor=text, project=text)
def test_text_stays_text(name: str, key: str, value: str, flavor: str, project: str) -> None:
    """Tenants' texts never change the elements, and every text that XML can hold survives the round trip."""
    plain = define(server(metadata={"k": "v"}), HostPolicy(home=HOME)).build()
    spec = server(display_name=name, metadata={key: value}, flavor_name=flavor, project_id=project)
    read = parse(define(spec, HostPolicy(home=HOME)).xml())
    assert shape(read) == shape(plain)
    (mark,) = read.find("metadata")
    assert (mark[0].text or "") == clean(name)
    assert mark[1].get("project") == clean(project)
    assert mark[-1].text == clean(value) or not value
    assert "\n" not in read.findtext("title")


@pytest.mark.parametrize(
    "disk",
    [
        DiskSpec("vda", "/x", "iso", device="cdrom"),
        DiskSpec("xvda", "/x", "raw"),
        DiskSpec("vda", "/x", "raw", bus="ide"),
        DiskSpec("hda", "/x", "raw", bus="sata"),
    ],
)
def test_disks_no_bus_takes(disk: DiskSpec) -> None:
    with pytest.raises(SpecInvalid):
        define(server(disks=(disk,)), HostPolicy(home=HOME))


@pytest.mark.parametrize(
    ("flags", "device", "expected"),
    [
        ("fpu vmx sse", True, "kvm"),
        ("fpu svm sse", True, "kvm"),
        ("fpu svm sse", False, "qemu"),
        ("fpu sse hypervisor vmxx", True, "qemu"),
        ("fpu sse", True, "qemu"),
    ],
)
def test_virt_type(tmp_path: Path, flags: str, device: bool, expected: str) -> None:
    info, kvm = tmp_path / "cpuinfo", tmp_path / "kvm"
    info.write_text(f"processor\t: 0\nflags\t\t: {flags}\nvmx flags\t: svm vmx\n")
    if device:
        kvm.touch()
    assert decide_virt_type(info, kvm) == expected


def test_processor_features_come_with_their_companions() -> None:
    """A guest with `aes` and without `pclmulqdq` has an oops in Debian's kernel."""
    assert completed(("aes",)) == ("aes", "pclmuldq")
    assert completed(("vaes",)) == ("vaes", "aes", "avx", "pclmuldq", "xsave")
    assert completed(EMULATED_FEATURES) == EMULATED_FEATURES
    own = {"state_dir": "/x", "virt_type": "kvm", "cpu_features": ["aes", "-hle"]}
    assert policy_from(own).cpu_features == ("aes", "-hle", "pclmuldq")
    added = policy_from({**own, "virt_type": "qemu", "cpu_features": ("-aes", "svm", "avx")}).cpu_features
    assert {"-aes", "ssse3", "svm", "avx", "xsave"} <= set(added) and not {"aes", "-svm"} & set(added)
    with pytest.raises(SpecInvalid, match="aes needs pclmuldq"):
        completed(("aes", "-pclmuldq"))


def test_ports_to_plug_into() -> None:
    """A guest always has free slots for hot-plugged disks and cards."""
    for spec, policy in (CASES["minimal"], CASES["full-qemu"]):
        tree = define(spec, policy).build()
        ports = tree.findall("devices/controller[@model='pcie-root-port']")
        disks = [disk for disk in tree.findall("devices/disk/target") if disk.get("bus") == "virtio"]
        scsi = tree.findall("devices/controller[@type='scsi']")
        used = len(disks) + len(scsi) + len(tree.findall("devices/interface")) + 2
        assert len(ports) - used == SPARE_PORTS >= 12
    assert not define(*CASES["asked"]).build().findall("devices/controller[@model='pcie-root-port']")


def test_the_console_has_no_port() -> None:
    """An unprivileged user of the host could open 127.0.0.1:5900, which asks for no password."""
    graphics = define(*CASES["full-qemu"]).build().find("devices/graphics")
    assert graphics.get("port") is None
    assert [listen.get("type") for listen in graphics.findall("listen")] == ["socket"]


def test_no_cpuinfo(tmp_path: Path) -> None:
    assert decide_virt_type(tmp_path / "none", tmp_path) == "qemu"


def test_policy() -> None:
    chosen = policy_from({"state_dir": "/x/", "virt_type": "kvm", "disk_cache": "none"})
    assert (chosen.home, chosen.cpu_mode, chosen.disk_cache) == ("/x", "host-model", "none")
    assert policy_from({"state_dir": "/x", "virt_type": "qemu"}).cpu_features == EMULATED_FEATURES
    chosen = policy_from({"state_dir": "/x", "virt_type": "kvm", "cpu_model": "Westmere", "cpu_features": ["-aes"]})
    assert (chosen.cpu_mode, chosen.cpu_model, chosen.cpu_features) == ("custom", "Westmere", ("-aes",))
    assert policy_from({"state_dir": "/x", "virt_type": "qemu", "cpu_mode": "maximum"}).cpu_features == ()
    with pytest.raises(SpecInvalid):
        policy_from({"state_dir": "/x", "virt_type": "xen"})


def test_entities_are_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    evil = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><x>&e;</x>'
    assert "secret" not in (parse(evil).text or "")


@pytest.mark.skipif(not Path("/usr/bin/virsh").exists(), reason="libvirt is not installed")
def test_the_folder_is_the_only_one() -> None:
    """libvirt is imported in one folder."""
    root = Path(__file__).parents[3]
    listed = subprocess.run(
        ["git", "grep", "-lE", "^(import|from) libvirt", "--", "apps", "cloud", "workers"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert all(name.startswith("workers/drivers/hypervisor/libvirt/") for name in listed.stdout.split())


def test_a_processor_that_the_host_has_not() -> None:
    """Guests of such a host would not start: its agent says so at once. An emulator has what it can."""
    error = libvirt.libvirtError("no")
    error.err = (libvirt.VIR_ERR_CPU_INCOMPATIBLE, 0, "it lacks avx512f", 0)
    asked: list[str] = []

    def compare(*args: Any) -> int:
        asked.append(args[4])
        raise error

    connection: Any = SimpleNamespace(compareHypervisorCPU=compare)
    policy = policy_from({"state_dir": "/x", "virt_type": "kvm", "cpu_model": "Icelake-Server"})
    with pytest.raises(SpecInvalid, match="no processor Icelake-Server"):
        check_model(connection, policy)
    assert '<model fallback="forbid">Icelake-Server</model>' in asked[0]
    with pytest.raises(SpecInvalid):  # of a name that libvirt does not know
        check_model(connection, replace(policy, virt_type="qemu"))
    check_model(connection, policy_from({"state_dir": "/x", "virt_type": "qemu"}))
    check_model(connection, replace(policy, cpu_mode="host-model"))
