"""Local storage keeps the contract, and lets no crafted image near a guest. Needs qemu-img and mkfs.ext4; not root."""

from __future__ import annotations

import io
import json
import multiprocessing
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pycdlib
import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.storage_contract import StorageContract
from workers.drivers.storage import errors, making, sending
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


def poisoned(tmp_path: Path) -> bytes:
    """A qcow2 whose backing file is a file of the host."""
    path = tmp_path / "poisoned.qcow2"
    qemu_img("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/hostname", path, "1M")
    return path.read_bytes()


def with_data_file(tmp_path: Path) -> bytes:
    path = tmp_path / "data.qcow2"
    external = tmp_path / "external.raw"
    qemu_img("create", "-q", "-f", "qcow2", "-o", f"data_file={external},data_file_raw=on", path, "1M")
    return path.read_bytes()


def vmdk(tmp_path: Path) -> bytes:
    path = tmp_path / "x.vmdk"
    qemu_img("create", "-q", "-f", "vmdk", path, "1M")
    return path.read_bytes()


def unknown_feature(tmp_path: Path) -> bytes:
    path = tmp_path / "feature.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", path, "1M")
    data = bytearray(path.read_bytes())
    data[72:80] = struct.pack(">Q", 1 << 40)
    return bytes(data)


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


class TestImages:
    @pytest.mark.parametrize(
        ("make", "declared"),
        [
            (poisoned, "qcow2"),
            (with_data_file, "qcow2"),
            (unknown_feature, "qcow2"),
            (poisoned, "raw"),
            (vmdk, "raw"),
            (vmdk, "qcow2"),
            (lambda _: b"\0" * 4096, "qcow2"),
            (lambda _: b"\0" * 4096, "iso"),
        ],
        ids=[
            "backing",
            "data-file",
            "feature",
            "qcow2-as-raw",
            "vmdk-as-raw",
            "vmdk-as-qcow2",
            "raw-as-qcow2",
            "raw-as-iso",
        ],
    )
    def test_crafted_images_are_refused(self, driver: LocalStorage, tmp_path: Path, make: Any, declared: str) -> None:
        data = make(tmp_path)
        path = tmp_path / "upload"
        path.write_bytes(data)
        with pytest.raises(errors.ImageUnsafe) as caught:
            driver.cache_image(samples.image_of(data, declared), ImageSource(path.as_uri()))
        assert str(tmp_path) not in caught.value.message
        assert files_below(driver.paths.images) == []

    def test_raw_with_a_partition_table(self, driver: StorageDriver, tmp_path: Path) -> None:
        path = tmp_path / "disk.raw"
        with path.open("wb") as stream:
            stream.truncate(4 << 20)
        subprocess.run(["/usr/sbin/sfdisk", "-q", path], input="label: dos\n2048,,83,*\n", text=True, check=True)
        cached = driver.cache_image(samples.image_of(path.read_bytes(), "raw"), ImageSource(path.as_uri()))
        assert (cached.format, cached.virtual_size) == ("raw", 4 << 20)

    def test_iso(self, driver: StorageDriver) -> None:
        made = driver.create_config_drive(samples.new_id(), {"a": b"x"})
        data = Path(made.path).read_bytes()
        cached = driver.cache_image(samples.image_of(data, "iso"), ImageSource(Path(made.path).as_uri()))
        assert driver.create_root(samples.new_id(), cached, 1).backing_format == "raw"

    @pytest.mark.parametrize("change", [{"size": 5}, {"size": 1 << 30}, {"sha512": "0" * 127 + "1"}])
    def test_other_bits_than_recorded(
        self, driver: LocalStorage, image_file: Path, source: ImageSource, change: dict[str, Any]
    ) -> None:
        with pytest.raises(errors.ImageCorrupt):
            driver.cache_image(samples.image_of(image_file.read_bytes(), **change), source)
        assert files_below(driver.paths.images) == []

    def test_no_such_file(self, driver: LocalStorage, image: ImageSpec) -> None:
        with pytest.raises(errors.ImageUnavailable):
            driver.cache_image(image, ImageSource("file:///no/such/file"))
        assert files_below(driver.paths.images) == []

    def test_the_cache_is_read_only(self, driver: LocalStorage, image: ImageSpec, source: ImageSource) -> None:
        cached = Path(driver.cache_image(image, source).path)
        assert cached.stat().st_mode & 0o777 == 0o444
        assert cached.name == image.sha512

    def test_no_space(self, tmp_path: Path, image: ImageSpec, source: ImageSource) -> None:
        driver = storages.load("local", {"state_dir": tmp_path, "reserved_gib": 1 << 20})
        with pytest.raises(errors.NotEnoughSpace):
            driver.cache_image(image, source)

    def test_what_a_killed_fetch_left_is_overwritten(
        self, driver: LocalStorage, image: ImageSpec, source: ImageSource
    ) -> None:
        driver.paths.images.mkdir(parents=True)
        (driver.paths.images / f".part-{image.sha512}").write_bytes(b"half" * 1000000)
        (driver.paths.images / image.sha512).write_bytes(b"renamed, but its record was never written")
        driver.cache_image(image, source)
        assert files_below(driver.paths.images) == sorted([image.sha512, f"{image.sha512}.json"])


class Handler(BaseHTTPRequestHandler):
    hits = 0
    body = b""

    def do_GET(self) -> None:
        type(self).hits += 1
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/image")
            self.end_headers()
            return
        if self.path not in ("/image", "/cut") or self.headers.get("X-Auth-Token") != "secret":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path == "/cut":
            self.send_header("Content-Length", str(len(self.body) + 1))
        self.end_headers()
        self.wfile.write(self.body)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Log nothing."""


@pytest.fixture
def server(image_file: Path) -> Iterator[str]:
    Handler.hits, Handler.body = 0, image_file.read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


class TestHttp:
    def test_fetch(self, driver: StorageDriver, image: ImageSpec, server: str) -> None:
        source = ImageSource(f"{server}/image", {"X-Auth-Token": "secret"})
        assert "secret" not in repr(source)
        assert driver.cache_image(image, source).virtual_size == 16 << 20

    @pytest.mark.parametrize(("path", "token"), [("/away", ""), ("/nothing", ""), ("/image", ""), ("/cut", "secret")])
    def test_redirects_and_refusals(
        self, driver: LocalStorage, image: ImageSpec, server: str, path: str, token: str
    ) -> None:
        with pytest.raises(errors.ImageUnavailable):
            driver.cache_image(image, ImageSource(f"{server}{path}", {"X-Auth-Token": token}))
        assert files_below(driver.paths.images) == []

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (204, None),
            (409, errors.SendingFailed),  # an earlier attempt's data is being stored
            (429, errors.SendingFailed),
            (504, errors.SendingFailed),
            (302, errors.SnapshotRefused),
            (400, errors.SnapshotRefused),
            (404, errors.SnapshotRefused),
        ],
    )
    def test_sending(self, server: str, image_file: Path, status: int, error: type[Exception] | None) -> None:
        with pytest.raises(error) if error else nullcontext():
            sending.send(image_file, f"{server}/{status}", None)

    def test_nobody_there(self, driver: StorageDriver, image: ImageSpec) -> None:
        with pytest.raises(errors.ImageUnavailable):
            driver.cache_image(image, ImageSource("http://127.0.0.1:1/image"))

    def test_one_fetch_for_all(self, driver: LocalStorage, image: ImageSpec, server: str) -> None:
        source = ImageSource(f"{server}/image", {"X-Auth-Token": "secret"})
        processes = [
            multiprocessing.get_context("spawn").Process(target=cache, args=(str(driver.paths.root), image, source))
            for _ in range(2)
        ]
        threads = [threading.Thread(target=driver.cache_image, args=(image, source)) for _ in range(4)]
        for work in (*processes, *threads):
            work.start()
        for work in (*processes, *threads):
            work.join()
        assert [process.exitcode for process in processes] == [0, 0]
        assert Handler.hits == 1


def cache(state_dir: str, image: ImageSpec, source: ImageSource) -> None:
    storages.load("local", {"state_dir": state_dir}).cache_image(image, source)


def test_a_crafted_image_does_not_eat_the_host(tmp_path: Path) -> None:
    """OSSA-2016-012: qemu-img is limited to 1 GiB of address space and 30 s of processor time."""
    from workers.system import processes

    code = "import resource as r; print(r.getrlimit(r.RLIMIT_AS)[0], r.getrlimit(r.RLIMIT_CPU)[0])"
    done = processes.run(["python3", "-c", code], **making.LIMITS)
    assert done.text.split() == [str(1 << 30), "30"]


def test_what_a_killed_fetch_left_is_removed(driver: LocalStorage, image: ImageSpec, source: ImageSource) -> None:
    cached = Path(driver.cache_image(image, source).path)
    server = samples.new_id()
    driver.create_swap(server, 4)
    orphan, half, old = "0" * 128, "1" * 128, cached.with_name(".part-4194305-1-1")
    disk = driver.paths.instance(server) / ".part-4194305-1-2"  # no process has this id
    for path in (cached.with_name(orphan), cached.with_name(f".part-{half}"), old, disk):
        path.write_text("half")
    with driver._image_lock(half):  # somebody fetches it right now
        assert f"partial download {half[:16]}" not in driver.residue(remove=True)
    assert driver.residue(remove=False) == (f"partial download {half[:16]}",)
    assert driver.residue(remove=True) == (f"partial download {half[:16]}",)
    assert driver.residue(remove=True) == ()
    assert sorted(item.name for item in cached.parent.iterdir()) == [image.sha512, f"{image.sha512}.json"]
    assert not disk.exists()


def test_bits_that_changed_or_went_are_told(driver: LocalStorage, image: ImageSpec, source: ImageSource) -> None:
    cached = Path(driver.cache_image(image, source).path)
    cached.chmod(0o644)
    with cached.open("r+b") as file:
        file.write(b"x")
    assert driver.damaged_images() == (image.sha512,)
    driver.evict_image(image.sha512)
    driver.create_root(samples.new_id(), driver.cache_image(image, source), 1)
    assert driver.damaged_images() == ()
    cached.unlink()
    assert driver.damaged_images() == (image.sha512,)
    driver.cache_image(image, source)
    assert driver.damaged_images() == ()


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
