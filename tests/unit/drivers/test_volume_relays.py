"""Exports between two hosts: real relays with certificates of a real authority, on this machine's loopback."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.hypervisor_contract import eventually
from workers.drivers.volume import loader as volumes
from workers.drivers.volume.base import Export, ExportSpec, Listening, RemoteExport, VolumeSpec
from workers.drivers.volume.errors import PoolUnavailable, PortTaken
from workers.drivers.volume.local.driver import LocalVolumes
from workers.system import processes
from workers.system.pki.authority import Authority
from workers.system.pki.host import HostCertificate

TOOLS = ("qemu-io", "qemu-storage-daemon")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs QEMU's tools")
HERE = "127.0.0.1"


class Site:
    """Three hosts with certificates, of which `home` has the volume."""

    def __init__(self, root: Path, run: Path) -> None:
        self.root, self.run = root, run
        self.authority = Authority(root / "authority")
        self.authority.create()
        self.home, self.far, self.other = (self.host(name) for name in ("home", "far", "other"))
        self.volume, self.owner = samples.new_id(), samples.new_id()
        self.home.create_volume(VolumeSpec(self.volume, 1))
        with socket.create_server((HERE, 0)) as free:
            self.port = free.getsockname()[1]

    def host(self, name: str) -> LocalVolumes:
        state = self.root / name
        certificate = HostCertificate(state / "pki")
        certificate.install(self.authority.sign(certificate.request(name), name), self.authority.certificate())
        options = {"state_dir": state, "run_dir": self.run / name, "reserved_gib": 0, "pki_dir": state / "pki"}
        driver = volumes.load("local", options)
        assert isinstance(driver, LocalVolumes)
        return driver

    @property
    def spec(self) -> ExportSpec:
        return ExportSpec("secret", owner=self.owner, listening=Listening("far", HERE, self.port))

    def remote(self, *, host: str = "home", name: str = "secret", size: int = 1) -> RemoteExport:
        return RemoteExport(self.volume, name, self.owner, host, HERE, self.port, size)

    def processes(self) -> list[Path]:
        return sorted(self.run.rglob("pid"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="cly-v", dir="/tmp") as path:
        made = Site(tmp_path, Path(path))
        yield made
        made.home.close_export(made.volume, None)
        for driver in (made.far, made.other):
            driver.disconnect(made.owner)
        assert not made.processes()


def ask(export: Export, *commands: str) -> str:
    """Be a guest; return what qemu-io says: "failed" is in it where something was not as wanted."""
    options = {"driver": "nbd", "server": {"type": "unix", "path": export.socket}, "export": export.name}
    words = [word for command in commands for word in ("-c", command)]
    done = subprocess.run(["qemu-io", f"json:{json.dumps(options)}", *words], capture_output=True, text=True)
    return done.stdout + done.stderr


def test_another_host_writes_and_reads(site: Site) -> None:
    for _ in range(2):
        opened = site.home.open_export(site.volume, site.spec)
        guest = site.far.connect(site.remote())
    assert opened.listening == site.spec.listening
    assert site.home.list_exports() == (opened,)
    assert site.far.list_connections() == (guest,)
    assert "failed" not in ask(guest, "write -q -P 7 0 1M", "read -P 7 0 1M")
    site.far.disconnect(site.owner)
    site.home.close_export(site.volume, "secret")
    assert not site.processes()
    home = site.home.open_export(site.volume, ExportSpec("home"))
    assert "failed" not in ask(home, "read -P 7 0 1M")


def test_who_is_refused(site: Site) -> None:
    """A plain client, one with another host's certificate, one without any, a wrong name, a wrong host."""
    site.home.open_export(site.volume, site.spec)
    plain = subprocess.run(
        ["qemu-io", "-f", "raw", "-r", f"nbd://{HERE}:{site.port}/secret", "-c", "read 0 512"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert plain.returncode != 0 and "TLS" in plain.stderr
    for driver, remote in (
        (site.other, site.remote()),
        (site.far, site.remote(name="guessed")),
        (site.far, site.remote(host="other")),
    ):
        with pytest.raises(PoolUnavailable):
            driver.connect(remote)
    (site.root / "far" / "pki" / "host.pem").unlink()
    with pytest.raises(PoolUnavailable, match="no certificate"):
        site.far.connect(site.remote())
    assert site.far.list_connections() == site.other.list_connections() == ()
    site.home.close_export(site.volume, "secret")
    with pytest.raises(PoolUnavailable, match="The host home, which has the volume, does not answer"):
        site.other.connect(site.remote())


def test_a_port_that_is_taken(site: Site) -> None:
    with socket.create_server((HERE, site.port)), pytest.raises(PortTaken):
        site.home.open_export(site.volume, site.spec)
    assert site.home.list_exports() == ()
    assert not site.processes()


def test_a_larger_volume(site: Site) -> None:
    site.home.open_export(site.volume, site.spec)
    site.far.connect(site.remote())
    site.home.extend_volume(site.volume, 2)
    guest = site.far.connect(site.remote(size=2))
    assert "failed" not in ask(guest, "write -q -P 9 1G 64k", "read -P 9 1G 64k")


def test_each_process_may_be_killed(site: Site) -> None:
    """What lives stays; opened and connected again, the guest goes on at the same socket."""
    site.home.open_export(site.volume, site.spec)
    guest = site.far.connect(site.remote())
    ask(guest, "write -q -P 5 0 64k", "flush")
    for pid_file in site.processes():
        process = processes.read_pid_file(pid_file)
        assert process is not None
        words = process.command_line()
        mark = next(word for word in words if str(pid_file.parent) in word)
        assert process.signal(signal.SIGKILL, mark)
        eventually(lambda process=process: not process.command_line())  # type: ignore[misc]
        assert (site.home.list_exports() == ()) != (site.far.list_connections() == ())
        site.home.open_export(site.volume, site.spec)
        assert site.far.connect(site.remote()) == guest
        eventually(lambda: "failed" not in ask(guest, "read -P 5 0 64k"))
    assert len(site.processes()) == 3
