"""The simulated drivers keep the contracts, and fail as planned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import HypervisorContract, eventually
from tests.unit.drivers.network_contract import NetworkContract
from tests.unit.drivers.storage_contract import StorageContract
from tests.unit.drivers.volume_contract import VolumeContract, made
from workers.drivers import blank_qcow2
from workers.drivers.errors import AbortError, RetryableError
from workers.drivers.hypervisor import loader as hypervisors
from workers.drivers.hypervisor import simulated, simulated_disks
from workers.drivers.hypervisor.base import Hardware, HypervisorDriver, InterfaceSpec, ServerSpec
from workers.drivers.network import loader as networks
from workers.drivers.network.base import NetworkDriver
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import Disk, ImageSource, ImageSpec, StorageDriver
from workers.drivers.volume import loader as volumes
from workers.drivers.volume import simulated as simulated_volumes
from workers.drivers.volume.base import ExportSpec, FromImage, VolumeDriver


def options(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"state_dir": tmp_path, "host": "sim-001", "plan_file": tmp_path / "plan.json", **more}


def plan(tmp_path: Path, *faults: dict[str, Any], **delays_s: float) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"delays_s": delays_s, "faults": faults}))


class TestHypervisor(HypervisorContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> Any:
        driver = hypervisors.load("simulated", options(tmp_path, watch_interval_s=0.02))
        yield driver
        driver.close()

    @pytest.fixture
    def spec(self) -> ServerSpec:
        return samples.server(disks=(samples.disk(Disk("/instances/root", "qcow2", 1 << 30), "vda"),))

    @pytest.fixture
    def interface(self) -> InterfaceSpec:
        network = samples.network(1)
        return samples.interface(network, samples.port(network))

    @pytest.fixture
    def cards(self, tmp_path: Path) -> Callable[[str], list[str]]:
        domains = tmp_path / "sim-001" / "domains"
        return lambda server_id: list(json.loads((domains / f"{server_id}.json").read_bytes())["cards"])

    @pytest.fixture
    def copy_of(self, tmp_path: Path) -> Callable[[ServerSpec], Path]:
        def make(spec: ServerSpec) -> Path:
            (tmp_path / "copy").write_bytes(blank_qcow2.content(1 << 30))
            return tmp_path / "copy"

        return make

    def test_an_agent(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        spec = samples.server(hardware=Hardware(guest_agent=True))
        driver.spawn(spec)
        assert driver.agent_answers(spec.id)
        driver.set_password(spec.id, "root", "secret")
        assert "secret" not in (tmp_path / "sim-001" / "domains" / f"{spec.id}.json").read_text()
        driver.stop(spec.id, 0)
        assert not driver.agent_answers(spec.id)

    def test_soft_reboot(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        driver.spawn(spec)
        driver.reboot(spec.id, 5)
        assert driver.console_output(spec.id).count(b"login:") == 2

    def test_a_guest_powers_itself_off(self, driver: HypervisorDriver, spec: ServerSpec, tmp_path: Path) -> None:
        seen: list[tuple[str, str]] = []
        driver.watch(lambda server_id, event: seen.append((server_id, event)))
        driver.spawn(spec)
        eventually(lambda: (spec.id, "started") in seen)
        simulated.power_off_guest(tmp_path, "sim-001", spec.id)
        eventually(lambda: (spec.id, "stopped") in seen)
        driver.start(spec)
        simulated.power_off_guest(tmp_path, "sim-001", spec.id, crashed=True)
        eventually(lambda: (spec.id, "crashed") in seen)
        simulated.lose_guest(tmp_path, "sim-001", spec.id)
        assert driver.info(spec.id) is None

    def test_hosts_do_not_see_each_other(self, driver: HypervisorDriver, spec: ServerSpec, tmp_path: Path) -> None:
        driver.spawn(spec)
        other = hypervisors.load("simulated", options(tmp_path, host="sim-002"))
        assert other.list_domains() == ()

    def test_state_is_another_processs_too(self, driver: HypervisorDriver, spec: ServerSpec, tmp_path: Path) -> None:
        driver.spawn(spec)
        other = hypervisors.load("simulated", options(tmp_path))
        assert [item.id for item in other.list_domains()] == [spec.id]

    def test_a_name_with_braces(self, driver: HypervisorDriver) -> None:
        spec = samples.server(display_name="{id} {0.__class__}")
        driver.spawn(spec)
        assert spec.id.encode() in driver.console_output(spec.id)

    def test_volumes(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        root, data = samples.volume_disk("vda"), samples.volume_disk("vdb")
        spec = samples.server(disks=(root,))
        driver.spawn(spec)
        driver.attach_disk(spec.id, data)
        assert driver.disks_of(spec.id) == (root.serial, data.serial)
        simulated_disks.fail_disk(tmp_path, "sim-001", spec.id)
        info = driver.info(spec.id)
        assert info is not None
        assert (info.power_state, info.reason) == ("paused", "io_error")
        assert driver.resume_after_io_error(spec.id, 1)
        info = driver.info(spec.id)
        assert info is not None
        assert (info.power_state, info.reason) == ("running", "")


class TestNetwork(NetworkContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> NetworkDriver:
        return networks.load("simulated", options(tmp_path))


class TestStorage(StorageContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> StorageDriver:
        return storages.load("simulated", options(tmp_path))

    @pytest.fixture
    def image(self) -> ImageSpec:
        return samples.image_of(b"bits", virtual_size=16 << 20)

    @pytest.fixture
    def source(self) -> ImageSource:
        return ImageSource("file:///nowhere")


class TestVolumes(VolumeContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> VolumeDriver:
        return volumes.load("simulated", options(tmp_path))

    @pytest.fixture
    def image(self) -> FromImage:
        return FromImage("/nowhere", "qcow2", 16 << 20)

    def test_faults(self, driver: VolumeDriver, tmp_path: Path) -> None:
        plan(tmp_path, {"op": "open_export", "error": "retryable", "times": 1, "when": "inside"})
        volume = made(driver)
        with pytest.raises(RetryableError):
            driver.open_export(volume, ExportSpec("e1"))
        assert driver.list_exports() == ()
        driver.open_export(volume, ExportSpec("e1"))

    def test_a_lost_export(self, driver: VolumeDriver, tmp_path: Path) -> None:
        driver.open_export(volume := made(driver), ExportSpec("e1"))
        simulated_volumes.lose_exports(tmp_path, "sim-001", volume)
        assert driver.list_exports() == ()


class TestPlan:
    @pytest.fixture
    def driver(self, tmp_path: Path) -> HypervisorDriver:
        return hypervisors.load("simulated", options(tmp_path))

    def test_delay(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        plan(tmp_path, spawn=0.2)
        started = time.monotonic()
        driver.spawn(samples.server())
        assert time.monotonic() - started >= 0.2

    @pytest.mark.parametrize(("word", "kind"), [("retryable", RetryableError), ("abort", AbortError)])
    @pytest.mark.parametrize("when", ["before", "inside"])
    def test_a_failed_spawn_leaves_nothing(
        self, driver: HypervisorDriver, tmp_path: Path, word: str, kind: type[Exception], when: str
    ) -> None:
        plan(tmp_path, {"op": "spawn", "error": word, "times": 1, "when": when, "message": "words"})
        spec = samples.server()
        with pytest.raises(kind, match="words"):
            driver.spawn(spec)
        assert driver.list_domains() == ()
        assert driver.spawn(spec).power_state == "running"

    def test_after(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        plan(tmp_path, {"op": "spawn", "error": "retryable", "times": 1, "when": "after"})
        spec = samples.server()
        with pytest.raises(RetryableError):
            driver.spawn(spec)
        assert len(driver.list_domains()) == 1

    def test_only_the_named_host(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        plan(tmp_path, {"op": "spawn", "host": "sim-777", "error": "abort"})
        driver.spawn(samples.server())

    def test_the_plan_changes(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        plan(tmp_path, {"op": "info", "error": "abort"})
        with pytest.raises(AbortError):
            driver.info(samples.new_id())
        plan(tmp_path)
        driver.info(samples.new_id())

    def test_hang_until_the_plan_changes(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        plan(tmp_path, {"op": "info", "error": "hang"})
        thread = threading.Thread(target=driver.info, args=(samples.new_id(),))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        plan(tmp_path)
        thread.join(5)
        assert not thread.is_alive()

    def test_times_are_counted_across_processes(self, tmp_path: Path) -> None:
        plan(tmp_path, {"op": "info", "error": "abort", "times": 3})
        code = (
            "import sys\n"
            "from workers.drivers.errors import AbortError\n"
            "from workers.drivers.hypervisor import loader\n"
            f"d = loader.load('simulated', {{'state_dir': {str(tmp_path)!r}, 'host': 'h',"
            f" 'plan_file': {str(tmp_path / 'plan.json')!r}}})\n"
            "n = 0\n"
            "for _ in range(3):\n"
            "    try: d.info('x')\n"
            "    except AbortError: n += 1\n"
            "print(n)\n"
        )
        runs = [
            subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=os.getcwd()) for _ in range(3)
        ]
        assert sum(int(run.communicate()[0]) for run in runs) == 3

    def test_crash_leaves_half(self, tmp_path: Path, driver: HypervisorDriver) -> None:
        plan(tmp_path, {"op": "spawn", "error": "crash", "times": 1, "when": "inside"})
        spec = samples.server()
        child = os.fork()
        if child == 0:
            driver.spawn(spec)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        (left,) = driver.list_domains()
        assert left.power_state == "nostate"
        assert driver.spawn(spec).power_state == "running"

    def test_half_a_plan_is_none(self, driver: HypervisorDriver, tmp_path: Path) -> None:
        (tmp_path / "plan.json").write_text('{"faults": [{"op"')
        driver.info(samples.new_id())


def test_a_boot_is_cheap(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The simulated path of a boot costs little enough that a benchmark measures the cloud (with room to spare)."""
    directory = Path("/dev/shm/cly-t-cheap") if Path("/dev/shm").is_dir() else tmp_path_factory.mktemp("cheap")
    chosen = {"state_dir": directory, "host": "sim-001"}
    net, disks, servers = (family.load("simulated", chosen) for family in (networks, storages, hypervisors))
    network, image = samples.network(), samples.image_of(b"bits", virtual_size=16 << 20)
    count = 200
    try:
        work = []
        for _ in range(count):
            port = samples.port(network)
            work.append((port, samples.server(interfaces=(samples.interface(network, port),))))
        started = time.process_time()
        for port, spec in work:
            net.plug(port)
            cached = disks.cache_image(image, ImageSource("file:///nowhere"))
            disks.create_root(spec.id, cached, 1)
            servers.spawn(spec)
        assert (time.process_time() - started) / count < 0.002
    finally:
        simulated.lose_host(directory, "sim-001")
        directory.rmdir()
