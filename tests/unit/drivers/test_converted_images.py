"""Images of VMDK, VDI, VHD and VHDX are qcow2 in a host's cache. Needs qemu-img; not root."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from tests.unit.drivers.test_local_storage import qemu_img
from workers.drivers.storage import errors
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import ImageSource, StorageDriver
from workers.drivers.storage.local_arrivals import digest_of

pytestmark = pytest.mark.skipif(not shutil.which("qemu-img"), reason="needs qemu-img")


@pytest.fixture
def driver(tmp_path: Path) -> StorageDriver:
    return storages.load("local", {"state_dir": tmp_path / "state"})


@pytest.mark.parametrize(("declared", "tool"), [("vmdk", "vmdk"), ("vdi", "vdi"), ("vhd", "vpc"), ("vhdx", "vhdx")])
def test_formats_that_the_cache_converts(driver: StorageDriver, tmp_path: Path, declared: str, tool: str) -> None:
    raw, path = tmp_path / "raw", tmp_path / f"image.{declared}"
    raw.write_bytes(b"\x07" * 65536 + bytes((16 << 20) - 65536))
    qemu_img("convert", "-f", "raw", "-O", tool, raw, path)
    image = samples.image_of(path.read_bytes(), disk_format=declared)
    cached = driver.cache_image(image, ImageSource(path.as_uri()))
    assert driver.cache_image(image, ImageSource(path.as_uri())) == cached
    assert (cached.format, cached.declared) == ("qcow2", declared) and cached.virtual_size >= 16 << 20
    back = tmp_path / "back"
    qemu_img("convert", "-f", "qcow2", "-O", "raw", cached.path, back)
    assert back.read_bytes()[: 16 << 20] == raw.read_bytes()
    assert driver.damaged_images() == () and driver.residue(remove=False) == ()
    with pytest.raises(errors.ImageUnsafe):
        driver.cache_image(samples.image_of(path.read_bytes(), disk_format="qcow2"), ImageSource(path.as_uri()))


@pytest.mark.parametrize("change", ["parent", "capacity", "other"])
def test_crafted_vmdks(driver: StorageDriver, tmp_path: Path, change: str) -> None:
    """None makes QEMU open another file."""
    path = tmp_path / "image.vmdk"
    qemu_img("create", "-q", "-f", "vmdk", path, "16M")
    data = bytearray(path.read_bytes())
    if change == "parent":
        at = data.index(b"parentCID=ffffffff")
        data[at : at + 200] = b'parentCID=00000001\nparentFileNameHint="/etc/passwd"\n'.ljust(200, b"\n")
    elif change == "capacity":
        data[12:20] = bytes(8)
    else:
        data = bytearray(qcow2_bytes(tmp_path))
    path.write_bytes(data)
    image = samples.image_of(bytes(data), disk_format="vmdk")
    with pytest.raises(errors.ImageUnsafe):
        driver.cache_image(image, ImageSource(path.as_uri()))
    assert driver.list_images() == () and driver.residue(remove=False) == ()


def qcow2_bytes(tmp_path: Path) -> bytes:
    path = tmp_path / "other.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", path, "16M")
    return path.read_bytes()


def test_a_conversion_that_is_not_wanted_any_more(driver: StorageDriver, tmp_path: Path) -> None:
    """The caller's check is asked while QEMU converts; nothing is left."""
    path, asked = tmp_path / "image.vdi", []
    qemu_img("create", "-q", "-f", "vdi", path, "16M")
    image = samples.image_of(path.read_bytes(), disk_format="vdi")

    def progress(done: int, total: int) -> None:
        asked.append(done)
        if asked.count(total) > 1:  # the first is the end of the fetch
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        driver.cache_image(image, ImageSource(path.as_uri()), progress)
    assert driver.residue(remove=False) == ()


def test_a_converted_image_goes_with_its_server(driver: StorageDriver, tmp_path: Path) -> None:
    """Another host checks the converted file by the digest that this host noted."""
    path, server_id = tmp_path / "image.vhdx", samples.new_id()
    qemu_img("create", "-q", "-f", "vhdx", path, "16M")
    cached = driver.cache_image(samples.image_of(path.read_bytes(), disk_format="vhdx"), ImageSource(path.as_uri()))
    driver.create_root(server_id, cached, 1)
    [facts] = json.loads(driver.describe_disks(server_id))["images"].values()
    assert facts["declared"] == "vhdx" and facts["digest"] == digest_of(Path(cached.path))
