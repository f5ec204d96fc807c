"""A tenant's broken image, opened first when a guest started, counted as a failure of three hosts each time."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.unit.drivers import samples
from workers.drivers.storage import errors
from workers.drivers.storage import loader as storages
from workers.drivers.storage.base import ImageSource
from workers.engine.errors import failure_of

pytestmark = pytest.mark.skipif(shutil.which("qemu-img", path="/usr/bin") is None, reason="needs qemu-img")
# Offsets of QEMU's docs/interop/qcow2.txt.
REFCOUNT_ORDER, HEADER_LENGTH, CLUSTER_BITS = 96, 100, 20


@pytest.mark.parametrize(("offset", "value"), [(REFCOUNT_ORDER, 63), (HEADER_LENGTH, 1 << 31), (CLUSTER_BITS, 60)])
def test_what_qemu_cannot_open_is_the_images_fault(tmp_path: Path, offset: int, value: int) -> None:
    path = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "16M"], check=True)
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, offset, value)
    path.write_bytes(data)
    driver = storages.load("local", {"state_dir": tmp_path / "state"})
    with pytest.raises(errors.ImageUnsafe) as caught:
        driver.cache_image(samples.image_of(bytes(data)), ImageSource(path.as_uri()))
    _failure, retryable = failure_of(caught.value)
    assert not retryable
    assert driver.list_images() == ()
    assert not list((tmp_path / "state" / "images").iterdir())


def test_an_encrypted_image_is_the_images_fault(tmp_path: Path) -> None:
    """qemu-img describes it without its key; the QEMU of a guest would not start."""
    path = tmp_path / "image.qcow2"
    options = ["--object", "secret,id=key,data=secret", "-o", "encrypt.format=aes,encrypt.key-secret=key"]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), "16M"], check=True)
    driver = storages.load("local", {"state_dir": tmp_path / "state"})
    with pytest.raises(errors.ImageUnsafe) as caught:
        driver.cache_image(samples.image_of(path.read_bytes()), ImageSource(path.as_uri()))
    assert not failure_of(caught.value)[1] and driver.list_images() == ()
