"""The libvirt driver keeps the hypervisor contract."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import libvirt
import pytest
from lxml import etree

from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import HypervisorContract, eventually
from workers.drivers.errors import DriverError
from workers.drivers.hypervisor.base import DiskBacking, DiskSpec, HypervisorDriver, InterfaceSpec, ServerSpec
from workers.drivers.hypervisor.errors import ImageBroken, SoftRebootFailed, SpawnFailed
from workers.drivers.hypervisor.libvirt.driver import LibvirtDriver
from workers.drivers.network.base.l2 import NetworkSpec
from workers.drivers.storage.base import CachedImage, StorageDriver

pytestmark = [pytest.mark.libvirt, pytest.mark.slow, pytest.mark.usefixtures("clean_host", "bridge", "storage")]

OPERATORS = """<domain type='qemu'><name>cly-t-operators</name><uuid>{id}</uuid><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""


def qemu_pid(spec: ServerSpec) -> int:
    return int(Path(f"/run/libvirt/qemu/{spec.name}.pid").read_text())


@pytest.fixture
def driver(hypervisor: HypervisorDriver) -> HypervisorDriver:
    return hypervisor


@pytest.fixture
def spec(
    driver: HypervisorDriver, storage: StorageDriver, cached: CachedImage, state_directory: Path
) -> Iterator[ServerSpec]:
    server_id = samples.new_id()
    root = storage.create_root(server_id, cached, 1)
    yield samples.server(state_directory, id=server_id, disks=(samples.disk(root, "vda", boot_index=1),))
    driver.destroy(server_id)


class TestContract(HypervisorContract):
    """See HypervisorContract."""

    @pytest.fixture
    def interface(self, bridge: None, network: NetworkSpec) -> InterfaceSpec:
        return samples.interface(network, samples.port(network))

    @pytest.fixture
    def cards(self) -> Callable[[str], list[str]]:
        def read(server_id: str) -> list[str]:
            command = ["virsh", "-q", "-c", os.environ.get("CELERITY_LIBVIRT_URI", "qemu:///system"), "dumpxml"]
            text = subprocess.run([*command, server_id], check=True, capture_output=True, text=True).stdout
            taps = etree.fromstring(text).iterfind("devices/interface/target")
            return [str(target.get("dev")) for target in taps]

        return read

    @pytest.fixture
    def copy_of(self, storage: StorageDriver) -> Callable[[ServerSpec], Path]:
        return lambda spec: Path(storage.prepare_snapshot(spec.id).path)


def test_display_names_and_metadata_are_only_data(driver: HypervisorDriver, state_directory: Path) -> None:
    evil = "</title><x a='1'>&amp;]]>\x00\x1b\n\ud800 ü 💥"
    spec = samples.server(state_directory, display_name=evil, metadata={evil: evil}, flavor_name=evil)
    try:
        assert driver.spawn(spec).power_state == "running"
    finally:
        driver.destroy(spec.id)


def test_a_spawn_that_fails_leaves_nothing(driver: HypervisorDriver, state_directory: Path) -> None:
    missing = DiskSpec("vda", str(state_directory / "nothing.qcow2"), "qcow2")
    spec = samples.server(state_directory, disks=(missing,))
    with pytest.raises(SpawnFailed) as caught:
        driver.spawn(spec)
    assert "nothing.qcow2" not in caught.value.message
    assert "nothing.qcow2" in caught.value.details
    assert driver.info(spec.id) is None


def damaged_header(image: Path) -> None:
    """Say that the L1 table has more entries than QEMU allows: QEMU refuses to open it."""
    with image.open("r+b") as stream:
        stream.seek(36)
        stream.write((1 << 30).to_bytes(4, "big"))


def encrypted(image: Path) -> None:
    """`qemu-img info` opens it, a guest's QEMU asks for a key."""
    options = ["--object", "secret,id=key,data=secret", "-o", "encrypt.format=luks,encrypt.key-secret=key"]
    options[-1] += ",encrypt.iter-time=10"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(image), "1M"], check=True)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [(damaged_header, ImageBroken), (encrypted, ImageBroken), (Path.unlink, SpawnFailed)],
    ids=["damaged", "encrypted", "missing"],
)
def test_a_broken_image_is_no_fault_of_the_host(
    driver: HypervisorDriver, state_directory: Path, damage: Callable[[Path], object], kind: type[DriverError]
) -> None:
    """What the content of an image makes QEMU refuse, every host's QEMU refuses; a missing file is this host's."""
    image, overlay = state_directory / "broken.qcow2", state_directory / "overlay.qcow2"
    for argv in (
        ["-f", "qcow2", str(image), "1M"],
        ["-u", "-f", "qcow2", "-F", "qcow2", "-b", str(image), str(overlay), "1M"],
    ):
        subprocess.run(["qemu-img", "create", "-q", *argv], check=True)
    damage(image)
    spec = samples.server(
        state_directory, disks=(DiskSpec("vda", str(overlay), "qcow2", backing=DiskBacking(str(image), "qcow2")),)
    )
    try:
        with pytest.raises(kind) as caught:
            driver.spawn(spec)
        assert driver.info(spec.id) is None
        assert str(state_directory) not in caught.value.message
    finally:
        driver.destroy(spec.id)
        overlay.unlink()
        image.unlink(missing_ok=True)


def test_an_operators_domain_is_not_ours(driver: HypervisorDriver, state_directory: Path) -> None:
    server_id = samples.new_id()
    connection = libvirt.open("qemu:///system")
    theirs = connection.defineXML(OPERATORS.format(id=server_id))
    try:
        assert driver.info(server_id) is None
        assert server_id not in [item.id for item in driver.list_domains()]
        driver.destroy(server_id)
        driver.stop(server_id, 0)
        with pytest.raises(SpawnFailed):
            driver.spawn(samples.server(state_directory, id=server_id))
        assert theirs.name() == connection.lookupByUUIDString(server_id).name()
    finally:
        theirs.undefine()
        connection.close()


def test_qemu_is_killed(driver: HypervisorDriver, network: NetworkSpec, spec: ServerSpec) -> None:
    port = samples.port(network)
    spec = samples.server(
        id=spec.id,
        disks=spec.disks,
        instance_dir=spec.instance_dir,
        console_log=spec.console_log,
        interfaces=(samples.interface(network, port),),
    )
    seen: list[str] = []
    driver.watch(lambda server_id, event: seen.append(event))
    driver.spawn(spec)
    assert Path("/sys/class/net", port.tap).exists()
    os.kill(qemu_pid(spec), signal.SIGKILL)
    eventually(lambda: "crashed" in seen)
    eventually(lambda: not Path("/sys/class/net", port.tap).exists())
    info = driver.info(spec.id)
    assert info is not None
    assert (info.power_state, info.reason) == ("shutdown", "crashed")
    assert driver.start(spec).power_state == "running"


def test_the_image_stays_the_hosts(driver: HypervisorDriver, spec: ServerSpec, cached: CachedImage) -> None:
    driver.spawn(spec)
    image = Path(cached.path).stat()
    assert (image.st_uid, image.st_mode & 0o777) == (0, 0o444)
    assert Path(spec.disks[0].path).stat().st_mode & 0o077 == 0


def test_a_guest_that_does_not_listen(driver: HypervisorDriver, spec: ServerSpec) -> None:
    driver.spawn(spec)  # it is in its firmware still
    with pytest.raises(SoftRebootFailed):
        driver.reboot(spec.id, 0.2)
    info = driver.info(spec.id)
    assert info is not None
    assert info.power_state == "running"
    driver.stop(spec.id, 0.2)
    info = driver.info(spec.id)
    assert info is not None
    assert info.power_state == "shutdown"


def test_a_dead_connection_is_opened_again(driver: LibvirtDriver, spec: ServerSpec) -> None:
    seen: list[str] = []
    driver.watch(lambda server_id, event: seen.append(event))
    driver.spawn(spec)
    eventually(lambda: "started" in seen)
    # What libvirtd does when it restarts: it closes our socket.
    broken = driver._connection.get()
    subprocess.run(["virt-admin", "client-disconnect", "libvirtd", client_of(broken)], check=True)
    eventually(lambda: driver._connection._current is not broken)
    assert [item.id for item in driver.list_domains()] == [spec.id]
    driver.stop(spec.id, 0)
    eventually(lambda: "stopped" in seen)


def client_of(_connection: libvirt.virConnect) -> str:
    """The number by which libvirtd knows the newest of its clients."""
    lines = subprocess.run(["virt-admin", "client-list", "libvirtd"], capture_output=True, text=True).stdout
    return max((line.split()[0] for line in lines.splitlines() if line.split() and line.split()[0].isdigit()), key=int)


def test_a_change_nobody_heard_is_told(driver: LibvirtDriver, spec: ServerSpec) -> None:
    """A guest ends while the connection is lost; watchers get the event once it is back."""
    seen: list[str] = []
    driver.watch(lambda server_id, event: seen.append(event))
    driver.spawn(spec)
    eventually(lambda: "started" in seen)
    driver._watchers._heard = lambda *_args: None  # type: ignore[method-assign]  # nothing is heard any more
    connection = libvirt.open("qemu:///system")
    seen.clear()
    driver._connection.close()
    connection.lookupByUUIDString(spec.id).destroy()
    connection.close()
    eventually(lambda: "stopped" in seen)
