"""Saved memory that libvirt left behind is forgotten while the guest is on: restored later, it would harm its disks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

libvirt = pytest.importorskip("libvirt")

from tests.unit.drivers import samples  # noqa: E402
from workers.drivers.hypervisor.base import PowerState  # noqa: E402
from workers.drivers.hypervisor.errors import SuspendFailed  # noqa: E402
from workers.drivers.hypervisor.libvirt import domains, managed_save  # noqa: E402
from workers.drivers.hypervisor.libvirt.driver import LibvirtDriver  # noqa: E402


class Domain:
    """A domain with a file of saved memory, which goes when it is asked to, and not by itself."""

    def __init__(self, *, on: bool) -> None:
        self.on, self.saved, self.calls = on, True, list[str]()

    def XMLDesc(self) -> str:
        return "<domain/>"

    def isActive(self) -> bool:
        return self.on

    def state(self) -> list[int]:
        return [libvirt.VIR_DOMAIN_RUNNING if self.on else libvirt.VIR_DOMAIN_SHUTOFF, 0]

    def info(self) -> list[int]:
        return [libvirt.VIR_DOMAIN_RUNNING, 131072, 65536, 1, 0]

    def hasManagedSaveImage(self, flags: int) -> bool:
        return self.saved

    def managedSaveRemove(self, flags: int) -> None:
        self.saved = False
        self.calls.append("forget")

    def managedSave(self, flags: int) -> None:
        self.on, self.saved = False, True
        self.calls.append("save")

    def create(self) -> None:
        self.on = True
        self.calls.append("restore" if self.saved else "boot")

    def destroyFlags(self, flags: int) -> None:
        self.on = False
        self.calls.append("pull")


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LibvirtDriver:
    made = LibvirtDriver({"state_dir": tmp_path, "virt_type": "qemu"})
    monkeypatch.setattr(domains, "close_console", lambda info: None)
    monkeypatch.setattr(domains, "read", lambda domain, **_: PowerState.RUNNING)
    monkeypatch.setattr(domains, "is_ours", lambda domain, home: True)
    monkeypatch.setattr(domains, "ask_power_off", lambda domain, timeout_s: domain.destroyFlags(0) or True)
    return made


Act = Callable[[LibvirtDriver, Any], object]
ACTS: dict[str, Act] = {
    "suspend": lambda driver, domain: managed_save.suspend(domain, threading.Event()),
    "resume": lambda driver, domain: managed_save.resume(domain),
    "start": lambda driver, domain: driver._power_on(domain, samples.server(), None),
    "stop": lambda driver, domain: driver._stop(domain, "id", 0),
    "reboot": lambda driver, domain: driver.reboot("id", 1),
}


@pytest.mark.parametrize(
    ("act", "on", "calls", "saved"),
    [
        ("resume", True, ["forget"], False),  # the restored guest ran already when libvirt was killed
        ("resume", False, ["restore", "forget"], False),
        ("start", True, ["forget"], False),
        ("start", False, ["restore", "forget"], False),
        ("suspend", True, ["forget", "save"], True),
        ("suspend", False, [], True),
        ("stop", True, ["forget", "pull"], False),
        ("stop", False, ["pull"], True),
        ("reboot", True, ["pull", "forget", "boot"], False),
    ],
)
def test_stale_memory_is_forgotten(
    driver: LibvirtDriver, monkeypatch: pytest.MonkeyPatch, act: str, on: bool, calls: list[str], saved: bool
) -> None:
    domain = Domain(on=on)
    for name in ("find", "find_any"):
        monkeypatch.setattr(domains, name, lambda *_: domain)
    monkeypatch.setattr(driver, "_existing", lambda server_id: domain)
    ACTS[act](driver, domain)
    assert (domain.calls, domain.saved) == (calls, saved)


@pytest.mark.parametrize(("free", "is_saved"), [(0, False), ((64 << 20) + (1 << 30) - 1, False), (2 << 30, True)])
def test_a_save_leaves_the_reserve(monkeypatch: pytest.MonkeyPatch, free: int, is_saved: bool) -> None:
    """A full file system pauses every guest there that writes."""
    monkeypatch.setattr(managed_save.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    domain = Domain(on=True)
    domain.saved = False
    with nullcontext() if is_saved else pytest.raises(SuspendFailed):
        managed_save.suspend(domain, threading.Event())
    assert (domain.saved, domain.on) == (is_saved, not is_saved)
