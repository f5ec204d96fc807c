"""Real hosts: a server with TPM, kernel and its own processor moves cold; one of a disc, and one with its own processor
move while they run.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.lab import machines, plan
from deploy.lab.lab import Lab
from deploy.testrun import make_state
from tests.cloud import wait_for
from tests.host.drivers.test_direct_boot import START, run
from tests.host.drivers.test_disc import disc
from tests.lab.cloud import COMPUTE, Guest, LabCloud
from tests.lab.machine import Machine
from tests.lab.test_live_moves import live
from tests.lab.test_moves import Moved

pytestmark = [
    pytest.mark.lab,
    pytest.mark.libvirt,
    pytest.mark.heavy,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(shutil.which("swtpm") is None or shutil.which("mcopy") is None, reason="needs swtpm and mtools"),
]
DEDICATED = {"compute-1": "0", "compute-2": "1"}
OWN_CPU = {"hw:cpu_policy": "dedicated"}
TPM = {"hw:tpm_version": "2.0", "hw:tpm_model": "tpm-crb"}


@pytest.fixture(scope="module")
def cloud(guest_image: Path) -> Iterator[LabCloud]:
    """A lab whose hosts have a dedicated processor each, and not the same one."""
    state, machine = make_state(), Machine()
    lab = Lab(plan.make(state / "lab", len(DEDICATED)))
    try:
        for host in lab.plan.hosts:
            host.file.parent.mkdir(parents=True)
            host.file.write_text(f"CELERITY_CPU_DEDICATED_SET={DEDICATED[host.name]}\n")
        with machine.entered():
            lab.up(CELERITY_API_PROCESSES="1", CELERITY_CPU_RATIO="16")
            yield LabCloud(lab, machine)
    finally:
        with machine.entered():
            lab.down()
        machine.close()
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture
def places(cloud: LabCloud) -> Iterator[tuple[str, str]]:
    """A network behind a router, and a group that lets everything in; all that a test made goes when it ends."""
    router, group = cloud.router_on("way", "compute-2"), cloud.open_group("open")
    yield cloud.network("net", "10.9.3.0/24", router), group
    cloud.clear()


def upload(cloud: LabCloud, name: str, data: bytes, form: str, **properties: Any) -> str:
    container = form if form in ("aki", "ari", "ami") else "bare"
    body = {"name": name, "disk_format": form, "container_format": container, "visibility": "public", **properties}
    made = str(cloud.api.post("/image/v2/images", body).json()["id"])
    headers = {"Content-Type": "application/octet-stream"}
    cloud.api._send("PUT", f"{cloud.api.root}/image/v2/images/{made}/file", data=data, headers=headers)
    return made


def flavor(cloud: LabCloud, name: str, **specs: str) -> str:
    body = {"flavor": {"name": name, "id": name, "vcpus": 1, "ram": 160, "disk": 1}}
    cloud.api.post(f"{COMPUTE}/flavors", body)
    if specs:
        cloud.api.post(f"{COMPUTE}/flavors/{name}/os-extra_specs", {"extra_specs": specs})
    return name


def three_parts(cloud: LabCloud, image: Path, directory: Path) -> str:
    """Return the image of the root file system of `tiny`, which names those of its kernel and its ramdisk."""
    raw = directory / "raw"
    run("qemu-img", "convert", "-O", "raw", image, raw)
    parts = {}
    for kind, name in (("kernel", "vmlinuz"), ("ramdisk", "initramfs.img")):
        run("mcopy", "-i", f"{raw}@@{START}", f"::{name}", directory / name)
        form = "aki" if kind == "kernel" else "ari"
        parts[f"{kind}_id"] = upload(cloud, kind, (directory / name).read_bytes(), form)
    with raw.open("rb") as disk:
        disk.seek(446 + 16 + 8)
        disk.seek(int.from_bytes(disk.read(4), "little") * 512)
        line = "root=/dev/vda console=tty0 console=ttyS0 quiet"
        return upload(cloud, "root", disk.read(), "ami", os_command_line=line, **parts)


def virsh(cloud: LabCloud, host: str, *words: str) -> str:
    return str(machines.run(cloud.host(host), "virsh", "-c", "qemu:///system", *words).stdout)


def processors(cloud: LabCloud, host: str, server: str) -> str:
    """Return the host's processors that libvirt lets the guest's only one run on, as it is now."""
    return virsh(cloud, host, "vcpupin", server, "--live").split()[-1]


def booted(cloud: LabCloud, name: str, places: tuple[str, str], **wanted: str) -> Moved:
    return Moved(cloud, cloud.reachable(cloud.active(cloud.order(name, "compute-1", *places, **wanted))))


def test_cold(cloud: LabCloud, places: tuple[str, str], guest_image: Path, tmp_path: Path) -> None:
    """It goes there and comes back, and goes there for good, each time with all that it has."""
    image, wanted = three_parts(cloud, guest_image, tmp_path), flavor(cloud, "whole", **OWN_CPU, **TPM)
    moved = booted(cloud, "cold", places, imageRef=image, flavorRef=wanted)
    there = {"migrate": {"host": "compute-2"}}
    for body, status, host in (
        (there, "VERIFY_RESIZE", "compute-2"),
        ({"revertResize": None}, "ACTIVE", "compute-1"),
        (there, "VERIFY_RESIZE", "compute-2"),
        ({"confirmResize": None}, "ACTIVE", "compute-2"),
    ):
        moved.act(body, status)
        moved.check(host=host)
        text = virsh(cloud, host, "dumpxml", moved.guest.id)
        assert "tpm-crb" in text and "<kernel>" in text
        assert processors(cloud, host, moved.guest.id) == DEDICATED[host]
    assert moved.guest.id not in virsh(cloud, "compute-1", "list", "--all", "--uuid")
    assert moved.guest.id not in virsh(cloud, "compute-1", "secret-list")


def test_its_own_processor_while_it_runs(cloud: LabCloud, places: tuple[str, str]) -> None:
    """It runs on the processor of its claim on each host; a server without one on those that are shared there."""
    own = booted(cloud, "own", places, flavorRef=flavor(cloud, "own", **OWN_CPU))
    sharing = booted(cloud, "sharing", places, flavorRef=flavor(cloud, "sharing"))
    for host in ("compute-2", "compute-1", "compute-2"):
        for moved, cpus in ((own, DEDICATED[host]), (sharing, "1" if DEDICATED[host] == "0" else "0")):
            assert live(moved, host) == host
            moved.check(host=host)
            assert processors(cloud, host, moved.guest.id) == cpus
    own.act({"reboot": {"type": "HARD"}}, "ACTIVE")
    own.check(host="compute-2")
    assert processors(cloud, "compute-2", own.guest.id) == DEDICATED["compute-2"]


def test_a_disc_while_it_runs(cloud: LabCloud) -> None:
    """The guest on the other host has its disc: reset there, it boots from it again."""
    image, wanted = upload(cloud, "disc", disc(), "iso"), flavor(cloud, "plain")
    body = {"name": "disc", "imageRef": image, "flavorRef": wanted, "networks": "none", "host": "compute-1"}
    made = cloud.api.post(f"{COMPUTE}/servers", {"server": body}, microversion="2.74").json()["server"]["id"]
    wait_for(
        lambda: cloud.api.get(f"{COMPUTE}/servers/{made}")["server"]["status"] == "ACTIVE", what="ACTIVE", seconds=120
    )
    guest = Guest(made, "compute-1", "", "")
    boots = lambda: cloud.console(guest).count("booted from the disc")  # noqa: E731
    wait_for(lambda: boots() == 1, what="a boot from the disc", seconds=60)
    moved = Moved.__new__(Moved)  # it has no file, and nobody logs in to it
    moved.cloud, moved.guest = cloud, guest
    for number, host in enumerate(("compute-2", "compute-1"), 2):
        assert live(moved, host) == host
        virsh(cloud, host, "reset", made)
        wait_for(lambda wanted=number: boots() == wanted, what="a boot from the disc there", seconds=60)
    cloud.clear()
