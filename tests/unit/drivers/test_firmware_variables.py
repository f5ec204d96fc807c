"""Variables of guests' UEFI firmware: what is kept of them, and which guest gets them."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

libvirt = pytest.importorskip("libvirt")

from tests.unit.drivers import samples  # noqa: E402
from workers.drivers.hypervisor.libvirt import domains, tpm, uefi  # noqa: E402
from workers.drivers.hypervisor.libvirt.driver import LibvirtDriver  # noqa: E402
from workers.drivers.hypervisor.specs import Hardware  # noqa: E402
from workers.drivers.storage.local import LocalStorage  # noqa: E402
from workers.system import files  # noqa: E402

OLD, FRESH = b"boot entries", b"of its maker"  # of one size, as OVMF's templates are


class Domain:
    """A domain whose definition is gone with its power, if it is transient."""

    def __init__(self, path: Path, *, secure: bool = False, transient: bool = False) -> None:
        self.path, self.secure, self.transient = path, secure, transient
        self.calls: list[str] = []

    def name(self) -> str:
        return "cly-1"

    def XMLDesc(self) -> str:
        if self.transient and "pull" in self.calls:
            gone = libvirt.libvirtError("")
            gone.err = (libvirt.VIR_ERR_NO_DOMAIN, 10, "no domain", 2, "", None, None, -1, -1)
            raise gone
        loader = f"<loader secure='{'yes' if self.secure else 'no'}'/>"
        return f"<domain><os firmware='efi'>{loader}<nvram>{self.path}</nvram></os></domain>"

    def info(self) -> list[int]:
        return [libvirt.VIR_DOMAIN_SHUTOFF, 0, 0, 1, 0]

    def isActive(self) -> bool:
        return False

    def hasManagedSaveImage(self, flags: int) -> bool:
        return False

    def destroyFlags(self, flags: int) -> None:
        self.calls.append("pull")

    def undefineFlags(self, flags: int) -> None:
        self.path.unlink(missing_ok=True)
        self.calls.append("forget")


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LibvirtDriver:
    made = LibvirtDriver({"state_dir": tmp_path, "virt_type": "qemu"})
    monkeypatch.setattr(domains, "find", lambda connection, server_id, home: connection)
    monkeypatch.setattr(domains, "find_any", lambda connection, server_id: connection)
    monkeypatch.setattr(domains, "is_ours", lambda domain, home: True)
    monkeypatch.setattr(tpm, "forget", lambda connection, server_id: None)
    return made


@pytest.fixture
def server(driver: LibvirtDriver) -> str:
    """A server with a directory, whose variables are in libvirt's file."""
    server_id = samples.new_id()
    driver.paths.instance(server_id).mkdir(parents=True)
    (driver.paths.root / "VARS.fd").write_bytes(OLD)
    return server_id


@pytest.mark.parametrize(("of", "to"), [(False, False), (True, True), (False, True), (True, False)])
def test_a_copy_is_for_the_same_template(driver: LibvirtDriver, server: str, of: bool, to: bool) -> None:
    path, directory, template = driver.paths.root / "VARS.fd", driver.paths.instance(server), driver.paths.root / "t"
    template.write_bytes(FRESH)
    (driver.paths.root / "1.json").write_text(json.dumps({"mapping": {"nvram-template": {"filename": str(template)}}}))
    driver._destroy(Domain(path, secure=of), server, True)
    uefi.bring(Domain(path, secure=to), directory, firmware=driver.paths.root)
    assert path.exists() == (of == to)


def test_a_definition_of_another_template_is_forgotten(
    driver: LibvirtDriver, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resize on the same host begins to ask for Secure Boot: libvirt would take the file that it has."""

    class Defined(Exception):
        pass

    def define(*_: Any) -> Any:
        raise Defined

    monkeypatch.setattr(driver, "_define", define)
    for secure in (False, True):
        domain = Domain(driver.paths.root / "VARS.fd")
        spec = samples.server(driver.paths.root, id=server, hardware=Hardware(firmware="uefi", secure_boot=secure))
        with pytest.raises(Defined):
            driver._power_on(domain, spec, None)
        assert ("forget" in domain.calls) == secure
    assert (driver.paths.instance(server) / uefi.COPY).read_bytes() == OLD, "a revert has them again"


def test_a_rebuilt_root_disk_ends_them(driver: LibvirtDriver, server: str) -> None:
    directory = driver.paths.instance(server)
    for name in (uefi.COPY, uefi.COPY_WITH_KEYS, "tpm"):
        (directory / name).write_bytes(OLD)
    storage = LocalStorage({"state_dir": driver.paths.root})
    storage.remove_disk(server, "rescue")
    assert (directory / uefi.COPY).exists()
    storage.remove_disk(server, "root")
    assert [path.name for path in directory.iterdir()] == ["tpm"]


@pytest.mark.parametrize("transient", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_a_domain_that_goes_with_its_power(driver: LibvirtDriver, server: str, transient: bool, keep: bool) -> None:
    driver._destroy(Domain(driver.paths.root / "VARS.fd", transient=transient), server, keep)
    assert (driver.paths.instance(server) / uefi.COPY).exists() == keep
    gone = Domain(driver.paths.root / "VARS.fd", transient=True)
    gone.destroyFlags(0)
    driver._destroy(gone, server, True)
    driver._stop(gone, server, 0)


def test_a_full_file_system_stops_nothing(
    driver: LibvirtDriver, server: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (driver.paths.instance(server) / uefi.COPY).write_bytes(b"older")
    monkeypatch.setattr(files, "write", full)
    domain = Domain(driver.paths.root / "VARS.fd")
    driver._stop(domain, server, 0)
    driver._destroy(domain, server, True)
    assert "forget" in domain.calls and "No space left" in caplog.text
    assert not (driver.paths.instance(server) / uefi.COPY).exists()
