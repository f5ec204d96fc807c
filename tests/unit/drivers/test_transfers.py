"""Disks of servers between two hosts: over TLS, whole, bounded, and back. Needs qemu-img and mkfs.ext4; not root."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import signing

from apps.scheduling.services import agents
from tests.unit.drivers import samples
from workers import config
from workers.drivers.errors import Stopped
from workers.drivers.storage import errors, transfers
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import ImageSource, ServerSource
from workers.drivers.storage.local_moves import LocalMoves
from workers.host import http
from workers.system.pki.authority import Authority
from workers.system.pki.host import HostCertificate

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin") for tool in ("qemu-img", "mkfs.ext4")),
    reason="needs qemu-img and mkfs.ext4",
)
KEY = "8c7b8a3e-52a2-4a44-8a0a-0c7f0b0f2d11"
GIB = 1 << 30
STOP = threading.Event()


class Two:
    """Two hosts of one cloud; the first one's agent answers."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory / "authority")
        self.authority.create()
        self.directory = directory
        self.first, self.second = self.host("one"), self.host("two")
        self.power = "shutdown"
        self.url = ""

    def host(self, name: str, authority: Authority | None = None) -> Any:
        authority = authority or self.authority
        certificate = HostCertificate(self.directory / name / "pki")
        certificate.install(authority.sign(certificate.request(name), name), authority.certificate())
        options = {"state_dir": self.directory / name, "pki_dir": certificate.directory, "reserved_gib": 0}
        return storages.load("local", options)

    def info(self, key: str) -> Any:
        return SimpleNamespace(power_state=self.power)

    def source(self, **changes: str) -> ServerSource:
        path = f"/hosts/one/servers/{KEY}/disks"
        headers = {agents.SIGNATURE: signing.TimestampSigner(salt=agents.SALT).sign(path)}
        return replace(ServerSource("one", self.url, path, headers), **changes)


@pytest.fixture
def two(tmp_path: Path, settings: Any) -> Iterator[Two]:
    made = Two(tmp_path)
    settings.STATE_DIR, settings.AGENT_LISTEN = tmp_path / "one", "127.0.0.1:0"
    config.serve(SimpleNamespace(host="one", hypervisor=made, storage=made.first))  # type: ignore[arg-type]
    server, made.url = http.serve()
    yield made
    server.shutdown()
    server.server_close()
    config._hosts.pop("one")


@pytest.fixture
def disks(two: Two, tmp_path: Path) -> dict[str, Any]:
    """A root disk on a cached image, an ephemeral one with a hole, swap and a console log."""
    image = tmp_path / "image"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "16M"], check=True)
    spec, source = samples.image_of(image.read_bytes()), ImageSource(image.as_uri())
    two.second.cache_image(spec, source)
    root = two.first.create_root(KEY, two.first.cache_image(spec, source), 1)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 7 900M 3M", root.path], check=True, capture_output=True)
    ephemeral = two.first.create_ephemeral(KEY, 0, 1)
    with Path(ephemeral.path).open("r+b") as stream:
        stream.seek(700 << 20)
        stream.write(b"here")
    two.first.create_swap(KEY, 8)
    (two.first.paths.instance(KEY) / "console.log").write_text("booted\n")
    return {"root": root, "ephemeral0": ephemeral}


def pattern(path: str) -> str:
    command = ["qemu-io", "-f", "qcow2", "-r", "-c", "read -P 7 900M 3M", path]
    return subprocess.run(command, capture_output=True, text=True).stdout


def receive(two: Two, by: LocalMoves | None = None, stop: threading.Event = STOP, **changes: str) -> None:
    (by or two.second).receive_server(KEY, two.source(**changes), stop)


def test_it_arrives_whole(two: Two, disks: dict[str, Any]) -> None:
    receive(two)
    here, there = two.second.paths.instance(KEY), two.first.paths.instance(KEY)
    root = two.second.root(KEY)
    assert root.path == str(here / "root") and root.backing_path.startswith(str(two.second.paths.images))
    assert "verification failed" not in pattern(root.path) and "3 MiB" in pattern(root.path)
    shown = subprocess.run(["qemu-img", "info", root.path], capture_output=True, text=True).stdout
    assert f"backing file: {two.second.paths.images}" in shown
    ephemeral = here / "ephemeral0"
    assert ephemeral.read_bytes()[700 << 20 :][:4] == b"here" and ephemeral.stat().st_size == GIB
    assert ephemeral.stat().st_blocks * 512 < GIB // 4
    assert (here / "console.log").read_text() == "booted\n" and not (here / "swap").exists()
    assert (there / "root").exists()
    two.second.grow_disk(KEY, "root", 2)
    two.second.grow_disk(KEY, "root", 1)
    assert two.second.root(KEY).size_bytes == 2 * GIB
    receive(two)  # after a kill it begins again
    assert two.second.root(KEY).size_bytes == GIB


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"path": f"/hosts/one/servers/{KEY}/console"}, errors.TransferFailed),  # signed for another path
        ({"path": f"/hosts/two/servers/{KEY}/disks"}, errors.TransferFailed),
        ({"host": "two"}, errors.TransferFailed),  # another host answers than the one that should
        ({"url": "http://127.0.0.1:1"}, errors.TransferFailed),
    ],
)
def test_it_is_refused(two: Two, disks: dict[str, Any], change: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        receive(two, **change)
    assert not two.second.paths.instance(KEY).exists()


def test_a_stranger_gets_nothing(two: Two, disks: dict[str, Any], tmp_path: Path) -> None:
    """Its certificate is of another authority."""
    other = Authority(tmp_path / "other")
    other.create()
    stranger = two.host("three", other)
    with pytest.raises(errors.TransferFailed):
        receive(two, by=stranger)


def test_of_a_running_guest_there_is_no_copy(two: Two, disks: dict[str, Any]) -> None:
    two.power = "running"
    with pytest.raises(errors.TransferFailed, match="does not give"):
        receive(two)


def test_without_files(two: Two) -> None:
    with pytest.raises(errors.FilesMissing):
        receive(two)


def test_a_stopped_copy_leaves_nothing(two: Two, disks: dict[str, Any]) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        receive(two, stop=stop)
    with pytest.raises(Stopped):
        two.first.keep_server(KEY, stop)
    assert not two.second.paths.instance(KEY).exists() and two.first.list_kept() == ()


def _more(entries: list[Any]) -> None:
    """It says half of what it sends."""
    entries[0] = (replace(entries[0][0], length=entries[0][0].length // 2, data=1), entries[0][1])


def _elsewhere(entries: list[Any]) -> None:
    entries[0] = (replace(entries[0][0], name="../root"), entries[0][1])


def _on_a_file(entries: list[Any]) -> None:
    disk = {**(entries[0][0].disk or {}), "backing_path": "/etc/shadow", "backing_format": "raw"}
    entries[0] = (replace(entries[0][0], disk=disk), entries[0][1])


@pytest.mark.parametrize("lie", [_more, _elsewhere, _on_a_file])
def test_a_host_that_lies(two: Two, disks: dict[str, Any], monkeypatch: pytest.MonkeyPatch, lie: Any) -> None:
    extents = transfers._extents

    def describe(path: Path, disk: Any = None) -> Any:
        entries = [(described(path, disk), path)]
        lie(entries)
        return entries[0][0]

    described = transfers.described
    monkeypatch.setattr(transfers, "described", describe)
    monkeypatch.setattr(transfers, "_extents", lambda handle, length: extents(handle, os.fstat(handle).st_size))
    with pytest.raises(errors.TransferFailed):
        receive(two)
    assert not two.second.paths.instance(KEY).exists()


def test_kept_and_returned(two: Two, disks: dict[str, Any]) -> None:
    storage, root = two.first, disks["root"]
    storage.keep_server(KEY, STOP)
    storage.keep_server(KEY, STOP)
    assert storage.list_kept() == (KEY,) and storage.list_servers() == (KEY,)
    storage.grow_disk(KEY, "root", 2)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 9 900M 3M", root.path], check=True, capture_output=True)
    storage.return_server(KEY)
    storage.return_server(KEY)
    assert storage.root(KEY).size_bytes == GIB and "verification failed" not in pattern(root.path)
    assert storage.list_kept() == () and not (storage.paths.instance(KEY) / "swap").exists()
    storage.keep_server(KEY, STOP)
    storage.forget_kept(KEY)
    assert storage.list_kept() == () and storage.residue(remove=False) == ()
