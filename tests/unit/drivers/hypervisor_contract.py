"""What every hypervisor driver must do. A subclass gives `driver`, `new_server` and, if it has events, `wait`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from workers.drivers.errors import Stopped
from workers.drivers.hypervisor.base import HypervisorDriver, InterfaceSpec, ServerSpec
from workers.drivers.hypervisor.errors import (
    AgentUnavailable,
    CopyFailed,
    QuiesceFailed,
    ServerNotFound,
    ServerNotRunning,
)
from workers.drivers.storage.inspection import inspect


def eventually(holds: Callable[[], object], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def state_of(driver: HypervisorDriver, spec: ServerSpec) -> str:
    info = driver.info(spec.id)
    assert info is not None
    return str(info.power_state)


class HypervisorContract:
    """Fixtures: `driver`; `spec`, a server that this host can run and that is destroyed afterwards; `interface`, a card
    that it can have; and `cards`, which returns the taps of a server's cards.
    """

    def test_facts(self, driver: HypervisorDriver) -> None:
        facts = driver.facts()
        assert facts.vcpus > 0
        assert facts.ram_mib > 0
        assert facts.disk_gib > 0
        assert facts.arch == "x86_64"
        assert facts.hypervisor_version > 0
        assert facts.cpu_info["topology"]["cores"] >= 1
        assert isinstance(facts.traits, tuple)

    def test_spawn_and_spawn_again(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        before = driver.use()
        first = driver.spawn(spec)
        assert (first.id, first.name, first.power_state) == (spec.id, spec.name, "running")
        assert driver.spawn(spec).power_state == "running"
        assert [item.id for item in driver.list_domains()].count(spec.id) == 1
        use = driver.use()
        assert use.vcpus - before.vcpus == spec.vcpus
        assert use.ram_mib - before.ram_mib == spec.ram_mib
        assert use.servers - before.servers == 1

    def test_stop_and_start(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        driver.spawn(spec)
        for _ in range(2):
            driver.stop(spec.id, 0)
            info = driver.info(spec.id)
            assert info is not None
            assert info.power_state == "shutdown"
        for _ in range(2):
            assert driver.start(spec).power_state == "running"

    def test_spawn_over_one_that_is_off(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        driver.spawn(spec)
        driver.stop(spec.id, 0)
        assert driver.spawn(spec).power_state == "running"

    def test_start_one_that_is_missing(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        assert driver.start(spec).power_state == "running"

    def test_hard_reboot_in_every_state(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        assert driver.hard_reboot(spec).power_state == "running"
        assert driver.hard_reboot(spec).power_state == "running"
        driver.stop(spec.id, 0)
        assert driver.hard_reboot(spec).power_state == "running"

    def test_pause(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        driver.spawn(spec)
        for _ in range(2):
            driver.pause(spec.id)
            info = driver.info(spec.id)
            assert info is not None
            assert info.power_state == "paused"
        for _ in range(2):
            driver.unpause(spec.id)
            info = driver.info(spec.id)
            assert info is not None
            assert info.power_state == "running"
        driver.stop(spec.id, 0)
        with pytest.raises(ServerNotRunning):
            driver.pause(spec.id)

    def test_destroy_and_destroy_again(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        driver.spawn(spec)
        for _ in range(2):
            driver.destroy(spec.id)
            assert driver.info(spec.id) is None
        assert spec.id not in [item.id for item in driver.list_domains()]

    def test_counted_while_it_is_deleted(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        """Counting and listing raise no error while domains are deleted concurrently."""
        over = threading.Event()
        failures: list[Exception] = []

        def count() -> None:
            while not over.is_set():
                try:
                    driver.ping()
                    driver.use()
                    driver.list_domains()
                except Exception as error:
                    failures.append(error)

        counters = [threading.Thread(target=count, daemon=True) for _ in range(2)]
        for counter in counters:
            counter.start()
        try:
            for _ in range(3):
                driver.spawn(spec)
                driver.destroy(spec.id)
        finally:
            over.set()
            for counter in counters:
                counter.join(30)
        assert failures == []

    def test_what_is_absent(self, driver: HypervisorDriver) -> None:
        nobody = samples.new_id()
        driver.stop(nobody, 1)
        driver.destroy(nobody)
        assert driver.info(nobody) is None
        assert driver.console_output(nobody) == b""
        for call in (driver.pause, driver.unpause, lambda it: driver.reboot(it, 1)):
            with pytest.raises(ServerNotFound):
                call(nobody)

    def test_copies_of_a_disk_in_use(
        self, driver: HypervisorDriver, spec: ServerSpec, copy_of: Callable[[ServerSpec], Path]
    ) -> None:
        """``copy_of`` makes the file for a copy of a server's root disk."""
        path, root = copy_of(spec), spec.disks[0].path
        with pytest.raises(ServerNotFound):
            driver.copy_disk(spec.id, root, str(path), "never")
        driver.end_copy(spec.id)
        driver.spawn(spec)
        seen: list[tuple[int, int]] = []
        driver.copy_disk(spec.id, root, str(path), "if_possible", lambda *told: seen.append(told))
        assert seen and seen[-1][0] == seen[-1][1]
        assert inspect(path, "qcow2") > 0
        with pytest.raises(CopyFailed):
            driver.copy_disk(spec.id, f"{root}.rescue", str(path), "never")
        with pytest.raises(QuiesceFailed):
            driver.copy_disk(spec.id, root, str(copy_of(spec)), "required")

        def stop(done: int, total: int) -> None:
            raise Stopped("The call was stopped.")

        with pytest.raises(Stopped):
            driver.copy_disk(spec.id, root, str(copy_of(spec)), "never", stop)
        driver.end_copy(spec.id)
        driver.pause(spec.id)
        driver.copy_disk(spec.id, root, str(copy_of(spec)), "never")
        info = driver.info(spec.id)
        assert info is not None
        assert info.power_state == "paused"
        with pytest.raises(CopyFailed):  # another attempt finds the guest off, and its disk in the file
            driver.copy_disk(spec.id, root, str(copy_of(spec)), "never", lambda *told: driver.stop(spec.id, 0))
        with pytest.raises(ServerNotRunning):
            driver.copy_disk(spec.id, root, str(copy_of(spec)), "never")

    def test_a_guest_without_an_agent(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        assert not driver.agent_answers(spec.id)
        driver.spawn(spec)
        assert not driver.agent_answers(spec.id)
        with pytest.raises(AgentUnavailable):
            driver.set_password(spec.id, "root", "secret")

    def test_console(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        driver.spawn(spec)
        eventually(lambda: len(driver.console_output(spec.id)) > 10, 60)
        assert len(driver.console_output(spec.id, 10)) == 10
        assert driver.console_output(spec.id, 0) == b""

    def test_watch(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        seen: list[str] = []

        def hear(server_id: str, event: str) -> None:
            if server_id == spec.id:
                seen.append(event)

        end = driver.watch(hear)
        driver.spawn(spec)
        eventually(lambda: "started" in seen)
        driver.pause(spec.id)
        eventually(lambda: "paused" in seen)
        driver.unpause(spec.id)
        eventually(lambda: "resumed" in seen)
        driver.stop(spec.id, 0)
        eventually(lambda: seen[-1] == "stopped")
        end()
        count = len(seen)
        driver.start(spec)
        time.sleep(0.5)
        assert len(seen) == count

    def test_suspend_and_resume(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        stop = threading.Event()
        with pytest.raises(ServerNotFound):
            driver.suspend(spec.id, stop)
        with pytest.raises(ServerNotFound):
            driver.resume(spec.id)
        driver.spawn(spec)
        before = driver.use()
        for _ in range(2):
            driver.suspend(spec.id, stop)
            assert state_of(driver, spec) == "suspended"
        assert {info.id: info.power_state for info in driver.list_domains()}[spec.id] == "suspended"
        assert driver.use().ram_mib == before.ram_mib - spec.ram_mib, "its memory is free for others"
        for _ in range(2):
            driver.resume(spec.id)
            assert state_of(driver, spec) == "running"
        driver.suspend(spec.id, stop)
        driver.stop(spec.id, 0)
        assert state_of(driver, spec) == "suspended", "it is off, and its memory is kept"
        assert driver.start(spec).power_state == "running", "a start continues it"
        driver.suspend(spec.id, stop)
        assert driver.hard_reboot(spec).power_state == "running"
        driver.stop(spec.id, 0)
        assert state_of(driver, spec) == "shutdown", "a hard reboot forgot the memory"
        for work in (lambda: driver.suspend(spec.id, stop), lambda: driver.resume(spec.id)):
            with pytest.raises(ServerNotRunning):
                work()
        driver.start(spec)
        driver.suspend(spec.id, stop)
        driver.destroy(spec.id)
        assert driver.spawn(spec).power_state == "running"
        driver.stop(spec.id, 0)
        assert state_of(driver, spec) == "shutdown", "a delete removed the memory"

    def test_interrupts_and_counters(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        for work in (driver.inject_nmi, driver.diagnostics):
            with pytest.raises(ServerNotFound):
                work(spec.id)
        driver.spawn(spec)
        driver.inject_nmi(spec.id)
        counters = driver.diagnostics(spec.id)
        assert len(counters.cpu_times_ns) == spec.vcpus
        assert counters.memory_kib["maximum"] == spec.ram_mib * 1024
        assert [disk.target for disk in counters.disks] == [disk.target for disk in spec.disks]
        assert [card.tap for card in counters.cards] == [card.tap for card in spec.interfaces]
        driver.stop(spec.id, 0)
        for work in (driver.inject_nmi, driver.diagnostics):
            with pytest.raises(ServerNotRunning):
                work(spec.id)

    def test_a_closed_driver_works_again(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        driver.spawn(spec)
        driver.close()
        driver.close()
        info = driver.info(spec.id)
        assert info is not None
        assert info.power_state == "running"

    def test_attach_and_detach_an_interface(
        self,
        driver: HypervisorDriver,
        spec: ServerSpec,
        interface: InterfaceSpec,
        cards: Callable[[str], list[str]],
    ) -> None:
        """``cards`` returns the taps of a server's cards on this host."""
        nobody = samples.new_id()
        driver.attach_interface(nobody, interface)
        driver.detach_interface(nobody, interface.tap, 1)
        driver.spawn(spec)
        before = cards(spec.id)
        for _ in range(2):
            driver.attach_interface(spec.id, interface)
            assert cards(spec.id) == [*before, interface.tap]
        driver.pause(spec.id)
        driver.unpause(spec.id)
        driver.stop(spec.id, 0)
        for _ in range(2):
            driver.detach_interface(spec.id, interface.tap, 1)
            assert cards(spec.id) == before
        driver.attach_interface(spec.id, interface)
        assert cards(spec.id) == [*before, interface.tap]

    def test_disks_of_a_server_that_is_off(self, driver: HypervisorDriver, spec: ServerSpec) -> None:
        """A volume that is plugged in while the server is off is in its definition; the rest asks for a real export."""
        nobody, volume = samples.new_id(), samples.volume_disk("vdb")
        assert volume.serial is not None
        driver.attach_disk(nobody, volume)
        driver.detach_disk(nobody, volume.serial, 1)
        driver.resize_disk(nobody, volume.serial, 1 << 30)
        assert driver.disks_of(nobody) == ()
        assert not driver.resume_after_io_error(nobody, 1)
        driver.spawn(spec)
        before = driver.disks_of(spec.id)
        assert not driver.resume_after_io_error(spec.id, 1)
        driver.stop(spec.id, 0)
        for _ in range(2):
            driver.attach_disk(spec.id, volume)
            assert driver.disks_of(spec.id) == (*before, volume.serial)
        for _ in range(2):
            driver.detach_disk(spec.id, volume.serial, 1)
            assert driver.disks_of(spec.id) == before
