"""Images in the cache of local storage: no crafted one comes near a guest; fetched by HTTP, sent by HTTP."""

from __future__ import annotations

import multiprocessing
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.drivers import samples, test_local_storage
from tests.unit.drivers.test_local_storage import files_below, poisoned, qemu_img
from workers.drivers.storage import errors, making, sending
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import ImageSource, ImageSpec, StorageDriver
from workers.drivers.storage.local import LocalStorage

pytestmark = test_local_storage.pytestmark
driver, image, image_file, source = (
    getattr(test_local_storage, name) for name in ("driver", "image", "image_file", "source")
)


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
