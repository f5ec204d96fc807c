"""Local storage keeps the contract. Needs qemu-img and mkfs.ext4; not root."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pycdlib
import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.storage_contract import StorageContract
from workers.drivers.storage import errors, making
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import ImageSource, ImageSpec, StorageDriver
from workers.drivers.storage.local import LocalStorage

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin") for tool in ("qemu-img", "mkfs.ext4", "mkswap")),
    reason="needs qemu-img, mkfs.ext4 and mkswap",
)


def qemu_img(*argv: object) -> str:
    return subprocess.run(["qemu-img", *map(str, argv)], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def image_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound qcow2 of 16 MiB virtual size."""
    path = tmp_path_factory.mktemp("image") / "image.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", path, "16M")
    return path


@pytest.fixture
def image(image_file: Path) -> ImageSpec:
    return samples.image_of(image_file.read_bytes())


@pytest.fixture
def source(image_file: Path) -> ImageSource:
    return ImageSource(image_file.as_uri())


@pytest.fixture
def driver(tmp_path: Path) -> StorageDriver:
    return storages.load("local", {"state_dir": tmp_path / "state"})


def files_below(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def poisoned(tmp_path: Path) -> bytes:
    """A qcow2 whose backing file is a file of the host."""
    path = tmp_path / "poisoned.qcow2"
    qemu_img("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/hostname", path, "1M")
    return path.read_bytes()


class TestContract(StorageContract):
    """See StorageContract."""


class TestDisks:
    def test_overlay(self, driver: StorageDriver, image: ImageSpec, source: ImageSource) -> None:
        disk = driver.create_root(samples.new_id(), driver.cache_image(image, source), 3)
        info = json.loads(qemu_img("info", "--output=json", "-f", "qcow2", disk.path))
        assert info["virtual-size"] == 3 << 30
        assert info["backing-filename"] == disk.backing_path
        assert info["backing-filename-format"] == "qcow2"
        assert Path(disk.path).stat().st_mode & 0o777 == 0o600

    def test_ephemeral_and_swap(self, driver: StorageDriver) -> None:
        server = samples.new_id()
        ephemeral, swap = driver.create_ephemeral(server, 1, 1), driver.create_swap(server, 32)
        assert 'LABEL="ephemeral1"' in self.blkid(ephemeral.path)
        assert 'TYPE="ext4"' in self.blkid(ephemeral.path)
        assert 'TYPE="swap"' in self.blkid(swap.path)
        assert Path(ephemeral.path).stat().st_blocks * 512 < 40 << 20

    @staticmethod
    def blkid(path: str) -> str:
        return subprocess.run(["/usr/sbin/blkid", path], capture_output=True, text=True, check=True).stdout

    def test_config_drive(self, driver: StorageDriver) -> None:
        contents = {
            "openstack/latest/meta_data.json": b'{"uuid": "x"}',
            "openstack/latest/user_data": b"#!/bin/sh\n" * 1000,
            "openstack/content/0000": b"",
            "ec2/latest/meta-data.json": b"{}",
            "a long name with spaces and ü.txt": b"x",
        }
        disk = driver.create_config_drive(samples.new_id(), contents)
        iso = pycdlib.PyCdlib()
        iso.open(disk.path)
        assert iso.pvd.volume_identifier.strip() == b"config-2"
        for path, data in contents.items():
            for kind in ("rr_path", "joliet_path"):
                sink = io.BytesIO()
                iso.get_file_from_iso_fp(sink, **{kind: f"/{path}"})
                assert sink.getvalue() == data
        iso.close()

    def test_config_drive_is_written_anew(self, driver: StorageDriver) -> None:
        server = samples.new_id()
        first = Path(driver.create_config_drive(server, {"a": b"1"}).path).read_bytes()
        assert Path(driver.create_config_drive(server, {"a": b"2"}).path).read_bytes() != first

    def test_a_disk_a_guest_wrote_to_is_never_looked_into(self, driver: StorageDriver, tmp_path: Path) -> None:
        """OSSA-2014-009 and its like: the guest writes a qcow2 header onto its raw disk."""
        server = samples.new_id()
        disk = driver.create_swap(server, 32)
        with open(disk.path, "r+b") as stream:
            stream.write(poisoned(tmp_path)[:1024])
        assert driver.create_swap(server, 32) == disk
        assert disk.format == "raw"

    def test_half_made_disks_are_made_anew(self, driver: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
        server = samples.new_id()
        with monkeypatch.context() as patch:
            patch.setenv("PATH", "/nowhere")
            patch.setattr("workers.system.processes._ENVIRONMENT", {"PATH": "/nowhere"})
            with pytest.raises(errors.StorageUnavailable):
                driver.create_swap(server, 32)
        assert files_below(driver.paths.instances) == [f"{server}/swap.json"]
        assert 'TYPE="swap"' in self.blkid(driver.create_swap(server, 32).path)

    def test_links_are_not_followed_out(self, driver: LocalStorage, tmp_path: Path) -> None:
        server = samples.new_id()
        driver.create_swap(server, 32)
        keep = tmp_path / "keep"
        keep.mkdir()
        (keep / "file").write_text("x")
        (driver.paths.instance(server) / "link").symlink_to(keep)
        driver.remove_server(server)
        assert (keep / "file").exists()


@pytest.mark.parametrize("make", ["prepare_snapshot", "snapshot_root"])
def test_a_snapshot_leaves_the_reserve(
    driver: LocalStorage, image: ImageSpec, source: ImageSource, monkeypatch: pytest.MonkeyPatch, make: str
) -> None:
    """It takes what the base has as well: with less space, QEMU pauses every guest of the host that writes."""
    server = samples.new_id()
    root = driver.create_root(server, driver.cache_image(image, source), 1)
    overlay, base = (Path(path or "").stat().st_blocks * 512 for path in (root.path, root.backing_path))
    assert base > 0
    table = ((-1, False), (overlay, False), (overlay + base - 1, False), (overlay + base, True))
    for more, is_enough in table:
        free = driver.reserved_bytes + more
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        if is_enough:
            assert Path(getattr(driver, make)(server).path).exists()
        else:
            with pytest.raises(errors.NotEnoughSpace):
                getattr(driver, make)(server)
            assert driver.list_snapshots() == ()
        if more < 0:
            with pytest.raises(errors.NotEnoughSpace):
                driver.check_reserve()
        else:
            driver.check_reserve()


def test_what_is_no_servers_is_not_listed(driver: LocalStorage) -> None:
    """A file system that is mounted there has a lost+found; recovery would remove a stranger, or fail on its name."""
    server_id = "5d4ab9f0-6c1e-4f7a-9b1c-0d6a7f3e2b10"
    driver.create_swap(server_id, 8)
    for name in ("lost+found", "of-the-operator", server_id.upper()):
        (driver.paths.instances / name).mkdir(exist_ok=True)
    assert driver.list_servers() == (server_id,)


def test_every_qemu_img_has_the_limits(
    driver: LocalStorage, image: ImageSpec, source: ImageSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OSSA-2016-012."""
    ran: list[tuple[list[str], dict[str, Any]]] = []
    run = making.processes.run

    def recorded(argv: list[str], **more: Any) -> Any:
        ran.append((argv, more))
        return run(argv, **more)

    monkeypatch.setattr(making.processes, "run", recorded)
    driver.create_root(samples.new_id(), driver.cache_image(image, source), 3)
    assert {tuple(argv[:2]) for argv, _ in ran} == {("qemu-img", "info"), ("qemu-img", "create")}
    assert all(more == making.LIMITS for _, more in ran)
